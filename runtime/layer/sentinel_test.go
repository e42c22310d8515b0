package layer_test

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/test/kit"
)

// TestSentinel: when the master dies, everything goes on at the one that takes
// over. The first Sentinel of the list is not there.
func TestSentinel(t *testing.T) {
	t.Parallel()
	master := kit.Redis(t)
	sentinel, replica := kit.Sentinel(t, master)
	config := layer.Config{Hosts: []layer.Host{{
		Redis: &redis.Options{}, Master: kit.SentinelMaster,
		Sentinels: []*redis.Options{{Addr: "127.0.0.1:1"}, {Addr: sentinel.Addr()}},
	}}}
	peers := map[string]layer.Peer{}
	for name, open := range map[string]func() layer.Peer{
		"core":    func() layer.Peer { return layer.New(config, slog.New(slog.NewTextHandler(io.Discard, nil))) },
		"pub/sub": func() layer.Peer { return layer.NewPubSub(config, slog.New(slog.NewTextHandler(io.Discard, nil))) },
	} {
		peer := open()
		t.Cleanup(peer.Close)
		if _, err := peer.Check(t.Context()); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		peers[name] = peer
	}
	master.Kill()
	for name, peer := range peers {
		goesOn(t, name, peer, replica.Client())
	}
}

// goesOn waits until commands and events go through the server.
func goesOn(t *testing.T, name string, peer layer.Peer, server *redis.Client) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	received := make(chan struct{})
	go func() {
		defer close(received)
		for list := []layer.Message(nil); len(list) == 0 && ctx.Err() == nil; {
			list, _ = peer.Receive(ctx, 1)
		}
	}()
	kit.Eventually(t, 40*time.Second, name+": a command came", func() bool {
		_ = server.ZAdd(ctx, "asgimqtt", redis.Z{Score: float64(time.Now().Unix()), Member: "twelve bytes" + command(1)}).Err()
		_ = server.Publish(ctx, "mqtt", command(1)).Err()
		select {
		case <-received:
			return true
		case <-time.After(20 * time.Millisecond):
			return false
		}
	})
	batch := &messages.Batch{
		Target:  messages.Target{Kind: messages.Channel, Name: "elsewhere"},
		Bundles: []messages.Bundle{alone(messages.Event{Message: &messages.Message{Topic: "t"}})},
	}
	kit.Eventually(t, 20*time.Second, name+": an event went", func() bool {
		_, err := peer.Send(ctx, batch)
		return err == nil
	})
}
