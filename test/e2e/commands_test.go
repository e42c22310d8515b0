package e2e_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/paho"

	"chanmqttproxy/messages"
	"chanmqttproxy/test/kit"
)

// What a site sends, and what each party sees of it: every option, answer and
// refusal, with each kind of broker.
func TestCommands(t *testing.T) {
	t.Parallel()
	for _, p := range []place{
		{name: "mosquitto, MQTT 5", start: onMosquitto("50"), v5: true, replays: true},
		{name: "mosquitto, MQTT 3.1.1", start: onMosquitto("311"), replays: true},
		{name: "RabbitMQ, 3.1.1 alone", start: onRabbitMQ},
		{name: "the embedded broker", start: onDev, v5: true, replays: true},
	} {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			s := p.start(t)
			s.place = p
			t.Run("cases", func(t *testing.T) {
				for _, name := range slices.Sorted(maps.Keys(commandCases)) {
					t.Run(name, func(t *testing.T) {
						t.Parallel()
						commandCases[name](s.testCase(t))
					})
				}
			})
			s.worker.Stop()
		})
	}
}

// commandSettings are those of the worker on every deployment.
var commandSettings = []string{"MQTT_ALLOW_SUBSCRIBE=#,$SYS/broker/uptime", "MQTT_ALLOW_PUBLISH=+/#", "MQTT_STATUS_GROUP=watchers"}

func onMosquitto(version string) func(t *testing.T) *deployment {
	return func(t *testing.T) *deployment {
		redis, broker := kit.Redis(t), kit.Mosquitto(t, "max_packet_size 20000")
		worker := run(t, redis, broker.URL(), append(commandSettings, "MQTT_VERSION="+version)...)
		return &deployment{redis: redis, broker: broker.Addr(), worker: worker}
	}
}

func onRabbitMQ(t *testing.T) *deployment {
	redis, broker := kit.Redis(t), kit.RabbitMQ(t)
	worker := run(t, redis, broker.URL(), commandSettings...)
	return &deployment{redis: redis, broker: broker.Addr(), worker: worker}
}

func onDev(t *testing.T) *deployment {
	redis := kit.Redis(t)
	env := append(commandSettings, "REDIS_URL="+redis.URL(), fmt.Sprintf("HTTP_LISTEN=127.0.0.1:%d", kit.FreePort(t)))
	worker := kit.Worker(t, env, "dev")
	return &deployment{redis: redis, broker: printed(t, worker, `(?m)^broker +([\d.:]+) `), worker: worker}
}

// commandCases are played on every deployment, side by side.
var commandCases = map[string]func(*testCase){
	"a subscribe is answered with what was granted": func(s *testCase) {
		answer := s.succeeds(kit.Subscribe(s.topic+"/a", s.topic, 1), "mqtt.subscribed")
		if value(answer, "topic") != s.topic+"/a" || value(answer, "qos") != int64(1) || value(answer, "command") != "mqtt.subscribe" {
			s.t.Errorf("answered %v", answer)
		}
		s.device().Publish(s.topic+"/a", 1, "42")
		s.expect(s.topic + "/a=42")
	},
	"each group gets what it asked for of one filter": func(s *testCase) {
		low := s.member(s.t, s.topic+"-low")
		s.subscribes(s.topic)
		low.succeeds(with(kit.Subscribe(s.topic, s.topic+"-low", 0), messages.Map{pair("payload", "bytes")}), "mqtt.subscribed")
		s.device().Publish(s.topic, 1, "42")
		s.expect(s.topic + "=42")
		low.expect(s.topic + "=[52 50]")
		if e := kit.Event(s.t, last(low.mqttMessages())); value(e, "qos") != int64(0) {
			s.t.Errorf("the group that asked for QoS 0 sees %v", e)
		}
	},
	"a channel gets what a group would": func(s *testCase) {
		s.succeeds(messages.Map{pair("type", "mqtt.subscribe"), pair("topic", s.topic), pair("channel", s.django.Channel())}, "mqtt.subscribed")
		s.device().Publish(s.topic, 1, "x")
		s.expect(s.topic + "=x")
	},
	"nothing comes after an unsubscribe": func(s *testCase) {
		s.subscribes(s.topic + "/a")
		s.subscribes(s.topic + "/b")
		s.succeeds(messages.Map{pair("type", "mqtt_unsubscribe"), pair("topic", s.topic+"/a"), pair("group", s.topic)}, "mqtt.unsubscribed")
		device := s.device()
		device.Publish(s.topic+"/a", 1, "gone").WaitTimeout(10 * time.Second)
		device.Publish(s.topic+"/b", 1, "there")
		s.expect(s.topic + "/b=there")
	},
	"payloads come as they were asked for": func(s *testCase) {
		for mode, want := range map[string]string{"auto": "7", "json": "7", "text": "7", "bytes": "[55]"} {
			group := s.topic + "-" + mode
			m := s.member(s.t, group)
			m.succeeds(with(kit.Subscribe(s.topic, group, 1), messages.Map{pair("payload", mode)}), "mqtt.subscribed")
			defer m.expect(s.topic + "=" + want)
		}
		s.device().Publish(s.topic, 1, "7")
	},
	"a batch travels as one": func(s *testCase) {
		s.subscribes(s.topic, pair("batch", int64(50)))
		device := s.device()
		for i := range 20 {
			device.Publish(s.topic, 1, fmt.Sprint(i))
		}
		count := func() (n int) {
			for _, m := range s.received() {
				if list, ok := value(m, "messages").([]any); ok && value(m, "type") == "mqtt.messages" {
					n += len(list)
				}
			}
			return n
		}
		s.await("all of the batches", func() bool { return count() == 20 })
	},
	"min_interval lets the newest through": func(s *testCase) {
		s.subscribes(s.topic, pair("min_interval", 0.5))
		device := s.device()
		for i := range 10 {
			device.Publish(s.topic, 1, fmt.Sprint(i)).WaitTimeout(10 * time.Second)
		}
		s.await("the newest", func() bool { return slices.Contains(s.events(), s.topic+"=9") })
		if got := s.events(); got[0] != s.topic+"=0" || len(got) > 5 {
			s.t.Errorf("got %q", got)
		}
	},
	"no_local keeps one's own publishes away": func(s *testCase) {
		if !s.v5 {
			s.t.Skip("MQTT 5 only")
		}
		s.subscribes(s.topic, pair("no_local", true))
		s.succeeds(kit.Publish(s.topic, "own", 1), "mqtt.published")
		s.device().Publish(s.topic, 1, "other")
		s.expect(s.topic + "=other")
	},
	"retained messages are dropped unless asked for": func(s *testCase) {
		device := s.device()
		device.Retain(s.topic, "old")
		s.subscribes(s.topic)
		device.Publish(s.topic, 1, "new")
		s.expect(s.topic + "=new")
	},
	"retained messages go to the recipient alone": func(s *testCase) {
		device := s.device()
		device.Retain(s.topic+"/a", "1")
		s.subscribes(s.topic + "/a")
		s.succeeds(s.recipient(s.topic+"/a"), "mqtt.subscribed")
		s.expect(s.topic + "/a=1 retained")
		second := s.member(s.t, s.topic)
		second.succeeds(second.recipient(s.topic, s.topic+"/a"), "mqtt.subscribed")
		second.expect(s.topic + "/a=1 retained")
		device.Publish(s.topic+"/a", 1, "2")
		s.expect(s.topic+"/a=1 retained", s.topic+"/a=2")
		second.expect(s.topic+"/a=1 retained", s.topic+"/a=2")
	},
	"retained messages of a wildcard": func(s *testCase) {
		if !s.replays {
			s.t.Skip("this broker replays exact filters only")
		}
		device := s.device()
		for _, level := range []string{"a", "b", "c"} {
			device.Retain(s.topic+"/"+level, level)
		}
		device.Retain(s.topic+"/b", "") // cleared
		s.succeeds(s.recipient(s.topic+"/#"), "mqtt.subscribed")
		s.await("both values", func() bool { return len(s.events()) == 2 })
		if got := s.events(); !slices.Contains(got, s.topic+"/a=a retained") || !slices.Contains(got, s.topic+"/c=c retained") {
			s.t.Errorf("got %q", got)
		}
	},
	"retained messages go to the whole group where no channel is given": func(s *testCase) {
		s.device().Retain(s.topic, "1")
		other := s.member(s.t, s.topic)
		s.subscribes(s.topic, pair("retained", "send"))
		s.expect(s.topic + "=1 retained")
		other.expect(s.topic + "=1 retained")
	},
	"a publish reaches a device as it should": func(s *testCase) {
		device := s.device()
		device.Listen(s.topic+"/#", 2)
		for qos := range 3 {
			s.succeeds(kit.Publish(fmt.Sprint(s.topic, "/", qos), messages.Map{pair("é", int64(1))}, qos), "mqtt.published")
		}
		s.await("all three", func() bool { return len(device.Heard()) == 3 })
		if got := device.Heard()[1]; got.Payload != `{"é": 1}` || got.QoS != 1 {
			s.t.Errorf("heard %+v", got)
		}
	},
	"qos and retain are 2 and true when left out": func(s *testCase) {
		s.succeeds(messages.Map{pair("type", "mqtt.publish"), pair("publish", messages.Map{pair("topic", s.topic), pair("payload", "kept")})}, "mqtt.published")
		device := s.device()
		device.Listen(s.topic, 1)
		s.await("the retained message", func() bool { return len(device.Heard()) >= 1 })
		if got := device.Heard()[0]; !got.Retain || got.Payload != "kept" {
			s.t.Errorf("heard %+v", got)
		}
	},
	"properties go both ways": func(s *testCase) {
		if !s.v5 {
			s.t.Skip("MQTT 5 only")
		}
		s.subscribes(s.topic + "/in")
		device := kit.NewDevice5(s.t, s.broker)
		device.Publish(&paho.Publish{Topic: s.topic + "/in", QoS: 1, Payload: []byte("x"), Properties: &paho.PublishProperties{
			ContentType: "text/plain", CorrelationData: []byte{0xff, 0}, ResponseTopic: "r",
			User: paho.UserProperties{{Key: "b", Value: "1"}, {Key: "a", Value: "2"}, {Key: "b", Value: "3"}},
		}})
		s.expect(s.topic + "/in=x")
		in := value(kit.Event(s.t, last(s.mqttMessages())), "properties").(messages.Map)
		if value(in, "content_type") != "text/plain" || fmt.Sprint(value(in, "correlation_data")) != "[255 0]" ||
			fmt.Sprint(value(in, "user_properties")) != "[[b 1] [a 2] [b 3]]" {
			s.t.Errorf("the site sees %v", in)
		}
		device.Listen(s.topic+"/out", 1)
		p := kit.Publish(s.topic+"/out", "x", 1)
		p[1].Value = append(p[1].Value.(messages.Map), pair("content_type", "text/plain"), pair("message_expiry", int64(60)),
			pair("user_properties", messages.Map{pair("k", []any{"1", "2"})}))
		s.succeeds(p, "mqtt.published")
		s.await("the publish", func() bool { return len(device.Heard()) >= 1 })
		out := device.Heard()[0].Properties
		if out.ContentType != "text/plain" || out.MessageExpiry == nil || len(out.User) != 2 || out.User[1].Value != "2" {
			s.t.Errorf("the device sees %+v", out)
		}
	},
	"a request is answered by its response": func(s *testCase) {
		request := messages.Map{pair("type", "mqtt.request"), pair("publish", messages.Map{
			pair("topic", s.topic), pair("payload", "6*7"), pair("retain", false)}), pair("timeout", int64(20))}
		if !s.v5 {
			s.fails(request, "unsupported")
			return
		}
		kit.NewDevice5(s.t, s.broker).Answer(s.topic, func(p string) string { return p + "=42" })
		answer := s.succeeds(request, "mqtt.response")
		if e := kit.Event(s.t, answer); value(e, "payload") != "6*7=42" {
			s.t.Errorf("answered %v", answer)
		}
	},
	"a request that nobody answers": func(s *testCase) {
		if !s.v5 {
			s.t.Skip("MQTT 5 only")
		}
		device := s.device() // knows nothing of requests
		device.Listen(s.topic, 1)
		s.fails(messages.Map{pair("type", "mqtt.request"), pair("publish", messages.Map{
			pair("topic", s.topic), pair("payload", "hello?"), pair("retain", false)}), pair("timeout", 0.5)}, "timeout")
		s.await("the device hears it all the same", func() bool { return len(device.Heard()) >= 1 })
	},
	"the state": func(s *testCase) {
		logs(s.t, s.worker, "connected to the MQTT broker")
		answer := s.succeeds(messages.Map{pair("type", "mqtt.status")}, "mqtt.state")
		version := map[bool]string{true: "5", false: "3.1.1"}[s.v5]
		if value(answer, "connected") != true || value(answer, "version") != version || value(answer, "broker") == nil {
			s.t.Errorf("answered %v", answer)
		}
	},
	"bad input": func(s *testCase) {
		for code, command := range map[string]messages.Map{
			"missing-key":  {pair("type", "mqtt.subscribe"), pair("group", "g")},
			"unknown-key":  with(kit.Subscribe("a", "g", 0), messages.Map{pair("colour", "red")}),
			"unknown-type": {pair("type", "mqtt.explode")},
			"bad-type":     with(kit.Subscribe("a", "g", 0), messages.Map{pair("qos", "1")}),
			"bad-value":    with(kit.Subscribe("a", "g", 0), messages.Map{pair("retained", "maybe")}),
			"bad-filter":   kit.Subscribe("a/#/b", "g", 0),
			"bad-topic":    kit.Publish("a/+", "x", 0),
			"bad-name":     kit.Subscribe("a", "no spaces", 0),
		} {
			s.fails(command, code)
		}
	},
	"what is not allowed": func(s *testCase) {
		s.fails(kit.Subscribe("$SYS/#", s.topic, 0), "denied")
		s.fails(kit.Publish("$SYS/x", "x", 0), "denied")
		s.succeeds(kit.Subscribe("$SYS/broker/uptime", s.topic, 0), "mqtt.subscribed")
	},
	"a publish too large is an error for its sender": func(s *testCase) {
		if !s.v5 || !strings.HasPrefix(s.name, "mosquitto") {
			s.t.Skip("a broker that says what is too large")
		}
		s.fails(kit.Publish(s.topic, strings.Repeat("x", 30_000), 1), "too-large")
		s.succeeds(kit.Publish(s.topic, strings.Repeat("x", 10_000), 1), "mqtt.published")
	},
}

// recipient is a subscribe of the testCase's group that asks for retained messages for
// its own consumer.
func (s *testCase) recipient(filter string) messages.Map {
	return s.consumer.recipient(s.topic, filter)
}

func (m *consumer) recipient(group, filter string) messages.Map {
	return with(kit.Subscribe(filter, group, 1), messages.Map{pair("channel", m.django.Channel()), pair("retained", "send")})
}

// mqttMessages is what came that is no answer.
func (m *consumer) mqttMessages() []messages.Map {
	return slices.DeleteFunc(m.received(), func(got messages.Map) bool { return value(got, "type") != "mqtt.message" })
}

func last(list []messages.Map) messages.Map { return list[len(list)-1] }

// What a broker refuses is an error for whoever asked for it.
func TestRefusals(t *testing.T) {
	t.Parallel()
	acl := "topic readwrite allowed/#\n"
	for _, p := range []place{
		{name: "mosquitto, MQTT 5", v5: true, start: func(t *testing.T) *deployment {
			redis, broker := kit.Redis(t), kit.Mosquitto(t, kit.MosquittoACL(t, acl)...)
			return &deployment{redis: redis, broker: broker.Addr(), worker: run(t, redis, broker.URL())}
		}},
		{name: "mochi, MQTT 5", v5: true, replays: true, start: onMochi(true)},
		{name: "mochi, 3.1.1 alone", replays: true, start: onMochi(false)},
	} {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			st := p.start(t)
			s := st.testCase(t)
			if p.replays { // mosquitto grants what its ACL then keeps back
				s.fails(kit.Subscribe(kit.Denied+"/x", s.topic, 1), "refused")
			}
			for qos := 1; p.v5 && qos < 3; qos++ {
				s.fails(kit.Publish(kit.Denied+"/x", "x", qos), "refused")
			}
			s.succeeds(kit.Subscribe("allowed/x", s.topic, 1), "mqtt.subscribed")
			s.succeeds(kit.Publish("allowed/x", "x", 1), "mqtt.published")
			s.expect("allowed/x=x")
			st.worker.Stop()
		})
	}
}

func onMochi(version5 bool) func(*testing.T) *deployment {
	return func(t *testing.T) *deployment {
		redis, broker := kit.Redis(t), kit.Mochi(t, version5)
		return &deployment{redis: redis, broker: broker.Addr(), worker: run(t, redis, broker.URL())}
	}
}

// A page can say that the broker is away.
func TestStatusGroup(t *testing.T) {
	t.Parallel()
	redis, broker := kit.Redis(t), kit.Mosquitto(t)
	worker := run(t, redis, broker.URL(), "MQTT_STATUS_GROUP=watchers")
	watcher := (&deployment{redis: redis, broker: broker.Addr(), worker: worker}).member(t, "watchers")
	connected := func(want bool) func() bool {
		return func() bool {
			list := watcher.received()
			return len(list) > 0 && value(last(list), "type") == "mqtt.status" && value(last(list), "connected") == want
		}
	}
	logs(t, worker, "connected to the MQTT broker")
	broker.Stop()
	watcher.await("it is away", connected(false))
	if reason, _ := value(last(watcher.received()), "reason").(string); !strings.HasPrefix(reason, "network") {
		t.Errorf("away because of %v", reason)
	}
	answer := watcher.succeeds(messages.Map{pair("type", "mqtt.status")}, "mqtt.state")
	if value(answer, "connected") != false {
		t.Errorf("answered %v", answer)
	}
	broker.Start()
	watcher.await("it is back", func() bool {
		return slices.ContainsFunc(watcher.received(), func(m messages.Map) bool {
			return value(m, "type") == "mqtt.status" && value(m, "connected") == true
		})
	})
	worker.Stop()
}
