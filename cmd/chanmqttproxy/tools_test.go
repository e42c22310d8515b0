package main_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"chanmqttproxy/messages"
	"chanmqttproxy/test/kit"
)

// TestListenByPubSub: the tools are members of a pub/sub layer too.
func TestListenByPubSub(t *testing.T) {
	t.Parallel()
	environ := append(backEnds(t)["pub/sub"], fmt.Sprintf("HTTP_LISTEN=127.0.0.1:%d", kit.FreePort(t)))
	dev := launch(t, environ, "dev", "--no-demo")
	dev.waitFor("connected to the MQTT broker")
	heard := launch(t, environ, "listen", "house", "--topic", "house/#")
	kit.Eventually(t, shutdown, "the subscription is there", func() bool {
		return strings.Contains(execute(t, environ, "tree").out, "subscription ×1")
	})
	wants(t, execute(t, environ, "send", "publish", "topic=house/x", "payload=on", "retain=false"), 0, []string{"mqtt.published"}, nil)
	heard.waitFor(`"payload":"on"`)
	heard.signal(syscall.SIGINT)
	heard.exits(shutdown, 0)
}

// TestTools: what the command line has for looking at a worker and talking to it.
func TestTools(t *testing.T) {
	t.Parallel()
	address := fmt.Sprintf("127.0.0.1:%d", kit.FreePort(t))
	dev := launch(t, []string{"HTTP_LISTEN=" + address, "HTTP_TOKEN=0123456789abcdef"}, "dev", "--no-demo")
	dev.waitFor("connected to the MQTT broker")
	redis := regexp.MustCompile(`redis   ([0-9.:]+) `).FindStringSubmatch(dev.written())[1]
	environ := []string{"HTTP_LISTEN=" + address, "HTTP_TOKEN=0123456789abcdef", "REDIS_URL=redis://" + redis}

	heard := launch(t, environ, "listen", "house", "--topic", "house/#")
	kit.Eventually(t, shutdown, "the subscription is there", func() bool {
		return strings.Contains(execute(t, environ, "tree").out, "subscription ×1")
	})
	wants(t, execute(t, environ, "send", "status"), 0, []string{`"connected":true`, `"type":"mqtt.state"`}, nil)
	wants(t, execute(t, environ, "send", "subscribe", "topic=a/+", "group=g", "qos=1"), 0, []string{`"qos":1`, "mqtt.subscribed"}, nil)
	wants(t, execute(t, environ, "send", "publish", "topic=house/x", `payload={"on": [1, 2.5, "é"]}`, "retain=false"), 0, []string{"mqtt.published"}, nil)
	heard.waitFor(`"payload":{"on":[1,2.5,"é"]}`)
	device := kit.NewDevice(t, printed(dev, "broker"))
	wants(t, execute(t, environ, "send", "publish", "topic=house/y", "payload=by default"), 0, []string{"mqtt.published", `"qos":1`}, nil)
	wants(t, execute(t, environ, "send", "publish", "topic=house/z", "payload=kept", "retain=true", "qos=2"), 0, []string{"mqtt.published", `"qos":2`}, nil)
	device.Listen("house/+", 0)
	kit.Eventually(t, shutdown, "what is retained comes", func() bool { return len(device.Heard()) > 0 })
	if got := device.Heard(); len(got) != 1 || got[0].Topic != "house/z" {
		t.Errorf("retained: %v", got)
	}
	wants(t, execute(t, environ, "send", "publish", "topic=house/#"), 1, nil, []string{"refuses", "bad-topic"})
	wants(t, execute(t, environ, "send", "subscribe", "topic=a/+", "channel=mqtt"), 1, nil, []string{"bad-name", "commands come there"})
	wants(t, execute(t, environ, "send", "unsubscribe", "topic"), 2, nil, []string{"KEY=VALUE"})
	wants(t, execute(t, environ, "send", "unsubscribe", "topic=a/+", "group=g"), 0, []string{"mqtt.unsubscribed"}, nil)
	wants(t, execute(t, environ, "listen", "no group"), 2, nil, []string{"must hold only"})

	var tree messages.Watch
	if err := json.Unmarshal([]byte(execute(t, environ, "tree", "--json").out), &tree); err != nil || len(tree.Actors) < 8 {
		t.Errorf("%v %+v", err, tree)
	}
	wants(t, execute(t, environ[:1], "tree"), 1, nil, []string{"a token is needed"})
	watch := launch(t, environ, "tree", "--watch")
	kit.Eventually(t, shutdown, "it goes on", func() bool { return strings.Count(watch.written(), "Reader") > 1 })
	for _, r := range []*running{watch, heard} {
		r.signal(syscall.SIGINT)
		r.exits(shutdown, 0)
	}
	wants(t, execute(t, []string{fmt.Sprintf("HTTP_LISTEN=127.0.0.1:%d", kit.FreePort(t))}, "tree"), 1, nil, []string{"does it run with HTTP_LISTEN"})
}

// TestSendWhileBrokerIsAway: that nothing answers since the worker's broker is unreachable is told
// from that no worker runs, early and at the end.
func TestSendWhileBrokerIsAway(t *testing.T) {
	t.Parallel()
	environ := []string{"REDIS_URL=redis://" + startRedis(t).Addr(), fmt.Sprintf("MQTT_HOST=127.0.0.1:%d", kit.FreePort(t))}
	t.Run("a worker runs", func(t *testing.T) {
		t.Parallel()
		launch(t, environ, "run").waitFor("connection refused")
		wants(t, execute(t, environ, "send", "publish", "topic=a"), 1, nil,
			[]string{"waiting: the worker runs, but has no connection to the MQTT broker: ", "no answer within 15s: the worker runs, but has no connection to the MQTT broker: "})
	})
	t.Run("none does", func(t *testing.T) {
		t.Parallel()
		alone := []string{"REDIS_URL=redis://" + startRedis(t).Addr()}
		wants(t, execute(t, alone, "send", "publish", "topic=a"), 1, nil, []string{"no answer within 15s: does a worker run"})
	})
}

// TestStandsBy: a worker that stands by says so, and names the worker that has its place.
func TestStandsBy(t *testing.T) {
	t.Parallel()
	environ := []string{"REDIS_URL=redis://" + startRedis(t).Addr(), "MQTT_HOST=" + kit.Mochi(t, true).Addr()}
	first := launch(t, environ, "run")
	first.waitFor("connected to the MQTT broker")
	second := launch(t, environ, "run")
	second.waitFor("standing by")
	if who := fmt.Sprintf(":%d", first.cmd.Process.Pid); !strings.Contains(second.written(), who) {
		t.Errorf("it does not say that it stands by for the process %s", who)
	}
	first.signal(syscall.SIGTERM)
	first.exits(shutdown, 0)
	second.waitFor("connected to the MQTT broker")
}
