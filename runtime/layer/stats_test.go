package layer_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/test/kit"
)

// TestStats: what a client tells of itself, with one of two hosts an hour ahead.
func TestStats(t *testing.T) {
	t.Parallel()
	b := newHosts(t, 2, func(c *layer.Config) { c.Expiry = 5 })
	b.servers[1].SetTime(time.Now().Add(time.Hour))
	kit.Eventually(t, 20*time.Second, "both clocks are known", func() bool {
		s := b.layer.Stats()
		return s.Hosts[0].Known && s.Hosts[1].Known && s.Hosts[1].ClockDifference > 59*time.Minute
	})
	here := onHost(0, 2)
	b.plain[0].ZAdd(t.Context(), "asgi"+here, redis.Z{Score: 1, Member: "old"})
	to := messages.Target{Kind: messages.Channel, Name: here + "a"}
	if _, err := b.layer.Send(t.Context(), &messages.Batch{Target: to, Bundles: numbered(1).Bundles}); err != nil {
		t.Fatal(err)
	}
	host := b.layer.Stats().Hosts[0]
	if host.Trips == 0 || host.Writes != 1 || host.Expired != 1 || host.Failures+host.Late != 0 || host.RoundTrip <= 0 || host.ClockDifference.Abs() > time.Minute {
		t.Errorf("%+v", host)
	}
	b.servers[0].Close()
	if _, err := b.layer.Send(t.Context(), &messages.Batch{Target: to, Bundles: numbered(1).Bundles}); err == nil {
		t.Error("written to a host that is away")
	}
	if host := b.layer.Stats().Hosts[0]; host.Failures != 1 {
		t.Errorf("%+v", host)
	}
}

// TestStatsDropped counts the commands for which a pub/sub layer has no room.
func TestStatsDropped(t *testing.T) {
	t.Parallel()
	server := kit.Redis(t)
	plain := server.Client()
	p := newPubSub(t, pubSubConfig(server))
	receive := func() {
		if _, err := p.Receive(t.Context(), 1); err != nil {
			t.Error(err)
		}
	}
	received := make(chan struct{})
	go func() {
		defer close(received)
		receive()
	}()
	kit.Eventually(t, 20*time.Second, "a command came", func() bool {
		plain.Publish(t.Context(), "mqtt", command(0))
		select {
		case <-received:
			return true
		case <-time.After(10 * time.Millisecond):
			return false
		}
	})
	for sent := 0; sent < 11_000; sent += 1000 {
		pipe := plain.Pipeline()
		for n := range 1000 {
			pipe.Publish(t.Context(), "mqtt", strconv.Itoa(n))
		}
		if _, err := pipe.Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.Send(t.Context(), numbered(1)); err != nil {
		t.Fatal(err)
	}
	if host := p.Stats().Hosts[0]; host.Trips != 1 || host.Writes != 1 || host.Failures != 0 {
		t.Errorf("%+v", host)
	}
	kit.Eventually(t, 20*time.Second, "the surplus is counted", func() bool { return p.Stats().DroppedCommands >= 1000 })
}
