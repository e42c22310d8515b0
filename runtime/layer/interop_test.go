package layer_test

import (
	"context"
	_ "embed" // the Python side
	"log/slog"
	"reflect"
	"strconv"
	"testing"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/test/conform"
	"chanmqttproxy/test/kit"
)

//go:embed testdata/site.py
var siteScript string

// interopForm is one form of a layer, in both languages.
type interopForm struct {
	core, pubsub string // the first versions that know it; "": all do
	hosts        int
	via          string // how the first host is reached
	django       map[string]any
	change       func(*layer.Config)
}

const never = "never"

var interopForms = map[string]interopForm{
	"plain": {hosts: 1, change: func(*layer.Config) {}},
	"hosts": {hosts: 3, change: func(*layer.Config) {}},
	"encrypted": {hosts: 1, pubsub: "4.2",
		django: map[string]any{"symmetric_encryption_keys": []string{"new", "old"}},
		change: func(c *layer.Config) { c.EncryptionKeys = []string{"old", "new"} }},
	"json": {hosts: 1, core: "4.2", pubsub: "4.2",
		django: map[string]any{"serializer_format": "json"},
		change: func(c *layer.Config) { c.Serializer = layer.JSON }},
	"msgpack": {hosts: 1, core: "4.2", pubsub: never,
		django: map[string]any{"serializer_format": "msgpack", "random_prefix_length": 5},
		change: func(c *layer.Config) { c.RandomPrefixLength = new(5) }},
	"all": {hosts: 3, core: "4.2", pubsub: "4.2",
		django: map[string]any{"serializer_format": "json", "symmetric_encryption_keys": []string{"é", "a"}},
		change: func(c *layer.Config) { c.Serializer, c.EncryptionKeys = layer.JSON, []string{"é"} }},
	"tls": {hosts: 1, via: "tls", change: func(*layer.Config) {}},
	"acl": {hosts: 1, via: "acl", change: func(*layer.Config) {}},
}

// known tells whether a version knows the form.
func (f interopForm) known(backend, version string) bool {
	since := f.core
	if backend == "pubsub" {
		since = f.pubsub
	}
	return since <= version
}

// TestInterop has each version of channels_redis at the other end of each form of
// both back ends.
func TestInterop(t *testing.T) {
	t.Parallel()
	for _, version := range kit.ChannelsVersions {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			site := kit.Channels(t, version, siteScript)
			servers := newInteropServers(t)
			for name, form := range interopForms {
				for _, backend := range []string{"core", "pubsub"} {
					if form.known(backend, version) {
						t.Run(backend+"/"+name, func(t *testing.T) {
							t.Parallel()
							newInterop(t, site, servers, backend, name).run()
						})
					}
				}
			}
		})
	}
}

// interop is one layer with both its ends.
type interop struct {
	*testing.T
	site    *kit.ChannelsProcess
	name    string // of the layer in Python
	channel string // of the commands
	client  layer.Client
	reader  *conform.LayerClient
	text    bool // the serializer has no bytes
	ordered bool // commands come in order
}

func newInterop(t *testing.T, site *kit.ChannelsProcess, servers *interopServers, backend, name string) *interop {
	form := interopForms[name]
	i := &interop{T: t, site: site, name: backend + "-" + name, channel: "mqtt", ordered: form.hosts == 1}
	config := layer.Config{PubSub: backend == "pubsub", Hosts: servers.hosts(t, form)}
	django := map[string]any{"hosts": servers.urls(form)}
	for key, value := range form.django {
		django[key] = value
	}
	form.change(&config)
	// All layers of a version share servers.
	if name != "plain" {
		prefix := "asgi" + i.name
		config.Prefix, django["prefix"] = &prefix, prefix
	}
	if backend == "pubsub" && form.via != "acl" {
		i.channel = "mqtt-" + name
	}
	config.Channel, i.text = i.channel, config.Serializer == layer.JSON
	i.start(backend, config, django)
	return i
}

// start opens both ends.
func (i *interop) start(backend string, config layer.Config, django map[string]any) {
	i.client = layer.Open(config, slog.New(slog.DiscardHandler))
	i.Cleanup(i.client.Close)
	i.reader = conform.NewLayerClient(i.client)
	i.ask(nil, "open_layer", i.name, backend, django)
}

func (i *interop) ask(result any, do string, with ...any) {
	i.Helper()
	within, cancel := context.WithTimeout(i.Context(), time.Minute)
	defer cancel()
	if err := i.site.Ask(within, result, do, with...); err != nil {
		i.Fatal(err)
	}
}

func (i *interop) run() {
	i.commands()
	one, two := i.join("g", "h"), i.join("g")
	i.events(messages.Target{Name: "g"}, one, two)
	i.events(messages.Target{Name: "h"}, one)
	i.events(messages.Target{Kind: messages.Channel, Name: two}, two)
	if core, ok := i.client.(*layer.Core); ok {
		i.queue(core, one, two)
	}
	i.ask(nil, "leave", i.name, "g", one)
	i.events(messages.Target{Name: "g"}, two)
	i.events(messages.Target{Name: "h"}, one) // and nothing of g came before
}

func (i *interop) join(groups ...string) (channel string) {
	i.Helper()
	i.ask(&channel, "join", i.name, groups)
	return channel
}

// heard waits until somebody listens at a target of the pub/sub back end, which
// stores nothing: Python does not wait for the answer to its SUBSCRIBE.
func (i *interop) heard(to messages.Target) {
	i.Helper()
	p, ok := i.client.(*layer.PubSub)
	if !ok {
		return
	}
	kit.Eventually(i, 20*time.Second, to.String()+" is heard", func() bool {
		live, err := p.Live(i.Context(), []messages.Target{to})
		return err == nil && live[0]
	})
}

// commands has Python send to us.
func (i *interop) commands() {
	payload, want := any(map[string]string{"$bytes": "/wA="}), any([]byte("\xff\x00"))
	if i.text {
		payload, want = "\u00ff", "\u00ff"
	}
	var list []any
	for n := range 20 {
		list = append(list, map[string]any{"type": "mqtt.publish", "n": n, "publish": map[string]any{"topic": "é", "payload": payload, "l": []any{nil, true, 1.5}}})
	}
	received := make(chan []layer.Message)
	go i.receive(received, len(list))
	i.heard(messages.Target{Kind: messages.Channel, Name: i.channel})
	i.ask(nil, "send", i.name, i.channel, list)
	seen := map[int64]bool{}
	for _, m := range <-received {
		value, _ := m.Body.Get("n")
		n, ok := value.(int64)
		body, _ := m.Body.Get("publish")
		publish, _ := body.(messages.Map)
		got, _ := publish.Get("payload")
		rest, _ := publish.Get("l")
		if !ok || seen[n] || i.ordered && int(n) != len(seen) || !reflect.DeepEqual(got, want) || !reflect.DeepEqual(rest, []any{nil, true, 1.5}) {
			i.Fatalf("command %d is %s, %v", len(seen), dump(m.Body), m.Fault)
		}
		seen[n] = true
	}
	if len(seen) != len(list) {
		i.Fatalf("%d commands", len(seen))
	}
}

func (i *interop) receive(to chan<- []layer.Message, count int) {
	var all []layer.Message
	defer func() { to <- all }()
	for len(all) < count {
		list, err := i.reader.Receive(i.Context(), count)
		if err != nil {
			i.Error(err)
			return
		}
		for _, m := range list {
			if err := i.client.Acknowledge(i.Context(), []messages.Receipt{m.Receipt}); err != nil {
				i.Error(err)
			}
		}
		all = append(all, list...)
	}
}

// events has Python receive what we send, one by one and as a batch.
func (i *interop) events(to messages.Target, consumers ...string) {
	i.Helper()
	batch := &messages.Batch{Target: to}
	var want, all []any
	var events []messages.Event
	for n, payload := range []string{"1", `{"n": 2.5, "x": -Infinity}`, "é", "\xff"} {
		topic := to.Name + "/" + strconv.Itoa(n)
		events = append(events, messages.Event{QoS: 1, Message: &messages.Message{Topic: topic, QoS: 2, Payload: []byte(payload)}})
		bytes := any(map[string]any{"$bytes": "/w=="})
		if i.text {
			bytes = "/w=="
		}
		seen := []any{1.0, map[string]any{"n": 2.5, "x": map[string]any{"$float": "-inf"}}, "é", bytes}[n]
		all = append(all, map[string]any{"topic": topic, "payload": seen, "qos": 1.0, "retain": false})
		batch.Bundles = append(batch.Bundles, alone(events[n]))
		want = append(want, map[string]any{"type": i.channel + ".message", "message": all[n]})
	}
	batch.Bundles = append(batch.Bundles, messages.Bundle{Plural: true, Events: events})
	want = append(want, map[string]any{"type": i.channel + ".messages", "messages": all})
	i.heard(to)
	if outcome, err := i.client.Send(i.Context(), batch); err != nil || len(outcome.FullQueues) > 0 {
		i.Fatalf("%v: %+v, %v", to, outcome, err)
	}
	for _, channel := range consumers {
		var got []any
		i.ask(&got, "receive", i.name, channel, len(want))
		if !reflect.DeepEqual(got, want) {
			i.Fatalf("%v: got %v, want %v", to, got, want)
		}
	}
}

// queue writes to the queue that consumers share, as to one that was full before.
func (i *interop) queue(core *layer.Core, members ...string) {
	i.Helper()
	batch := &messages.Batch{
		Target:  messages.Target{Name: "g"},
		Bundles: []messages.Bundle{alone(messages.Event{Message: &messages.Message{Topic: "t", Payload: []byte("7")}})},
		Queue:   &messages.Queue{Name: messages.NonLocal(members[0]), Members: members},
	}
	if outcome, err := core.Send(i.Context(), batch); err != nil || outcome.Stored != 1 {
		i.Fatalf("%+v, %v", outcome, err)
	}
	for _, member := range members {
		var got []struct{ Message struct{ Payload int } }
		i.ask(&got, "receive", i.name, member, 1)
		if got[0].Message.Payload != 7 {
			i.Errorf("%s got %+v", member, got)
		}
	}
}
