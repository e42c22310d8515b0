package layer_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/test/conform"
	"chanmqttproxy/test/kit"
)

// TestInteropFailover has both ends of layers of all versions go through
// Sentinels, and the master die. The first Sentinel of our list is not there.
func TestInteropFailover(t *testing.T) {
	t.Parallel()
	master := kit.Redis(t)
	sentinel, _ := kit.Sentinel(t, master)
	var ends []*failover
	for _, version := range kit.ChannelsVersions {
		site := kit.Channels(t, version, siteScript)
		for _, backend := range []string{"core", "pubsub"} {
			ends = append(ends, newFailover(t, site, sentinel, backend, version))
		}
	}
	for _, f := range ends {
		f.goesOn(t)
	}
	master.Kill()
	for _, f := range ends {
		f.goesOn(t)
	}
}

// failover is one layer behind a Sentinel, with both its ends.
type failover struct {
	site   *kit.ChannelsProcess
	name   string
	client *conform.LayerClient
}

func newFailover(t *testing.T, site *kit.ChannelsProcess, sentinel *kit.SentinelServer, backend, version string) *failover {
	f := &failover{site: site, name: "asgi-" + backend + "-" + version}
	config := layer.Config{PubSub: backend == "pubsub", Prefix: &f.name, Channel: f.name, Hosts: []layer.Host{{
		Redis: &redis.Options{}, Master: kit.SentinelMaster,
		Sentinels: []*redis.Options{{Addr: "127.0.0.1:1"}, {Addr: sentinel.Addr()}},
	}}}
	f.client = conform.NewLayerClient(layer.Open(config, slog.New(slog.DiscardHandler)))
	t.Cleanup(f.client.Close)
	host, port, _ := net.SplitHostPort(sentinel.Addr())
	django := map[string]any{"prefix": f.name, "hosts": []any{map[string]any{
		"master_name": kit.SentinelMaster, "sentinels": []any{[]any{host, json.Number(port)}},
	}}}
	if err := site.Ask(t.Context(), nil, "open_layer", f.name, backend, django); err != nil {
		t.Fatal(err)
	}
	return f
}

// goesOn waits until a command comes from Python, and an event gets there. What
// is on its way at the moment of a fail-over may be lost, so both are repeated.
func (f *failover) goesOn(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	received := make(chan struct{})
	go func() {
		defer close(received)
		for list := []layer.Message(nil); len(list) == 0 && ctx.Err() == nil; {
			list, _ = f.client.Receive(ctx, 1)
		}
	}()
	f.until(t, received, "a command came", func() {
		_ = f.site.Ask(ctx, nil, "send", f.name, f.name, []any{map[string]any{"type": "mqtt.publish"}})
	})
	heard := make(chan struct{})
	var consumer string
	kit.Eventually(t, 30*time.Second, f.name+": Python joined a group", func() bool {
		return f.site.Ask(ctx, &consumer, "join", f.name, []string{"g"}) == nil
	})
	go func() {
		defer close(heard)
		var events []any
		for len(events) == 0 && ctx.Err() == nil {
			_ = f.site.Ask(ctx, &events, "receive", f.name, consumer, 1)
		}
	}()
	f.until(t, heard, "an event went", func() {
		batch := &messages.Batch{Target: messages.Target{Name: "g"}, Bundles: []messages.Bundle{alone(messages.Event{Message: &messages.Message{Topic: "t"}})}}
		_, _ = f.client.Send(ctx, batch)
	})
}

// until does something again and again until it had its effect.
func (f *failover) until(t *testing.T, done <-chan struct{}, what string, do func()) {
	t.Helper()
	kit.Eventually(t, 40*time.Second, f.name+": "+what, func() bool {
		do()
		select {
		case <-done:
			return true
		case <-time.After(20 * time.Millisecond):
			return false
		}
	})
}
