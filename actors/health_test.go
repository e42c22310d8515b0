package actors_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
	"chanmqttproxy/test/probe"
)

// well is what a test expects of a tree that does its work.
func (b *bundle) well(filters int) {
	b.Helper()
	h := b.tree.Health()
	if !h.Layer || !h.Broker || !h.Restored || !h.Subscribed || h.Stopping || h.Filters != filters || !h.State.Connected {
		b.Errorf("not well with %d filters: %+v", filters, h)
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		b.layer.Put(subscribe("a", alerts))
		b.settle()
		b.well(1)

		b.broker.Refuse(func(messages.Version) error { return errors.New("away") })
		b.broker.Drop(messages.Network)
		b.settle()
		if h := b.tree.Health(); h.Broker || h.Subscribed || !h.Layer || h.State.Connected {
			b.Errorf("while the broker is away: %+v", h)
		}
		b.broker.Refuse(nil)
		b.pass(time.Minute)
		b.well(1)

		b.layer.Away(true)
		b.pass(time.Minute)
		if h := b.tree.Health(); h.Layer || !h.Broker {
			b.Errorf("while the layer is away: %+v", h)
		}
		b.layer.Away(false)
		b.pass(time.Minute)
		b.well(1)
		if restarts := kinds(b.tree.Stats()); restarts["connection"] == 0 || restarts["reader"] == 0 || restarts["router"] > 0 {
			b.Errorf("restarts: %v", restarts)
		}
	})
}

func kinds(s *actors.Stats) map[string]int64 {
	all := map[string]int64{}
	s.Restarts.Each(func(kind string, n int64) { all[kind] = n })
	return all
}

func TestNotReadyBeforeSubscribed(t *testing.T) {
	t.Parallel()
	run(t, func(b *bundle, _ *actors.Options) {
		b.layer.Away(true)
		b.layer.Keep(messages.Stored{Filter: "a", Target: alerts})
	}, func(b *bundle) {
		b.pass(time.Minute)
		if h := b.tree.Health(); h.Restored || h.Broker || h.Subscribed {
			b.Errorf("before the subscriptions are known: %+v", h)
		}
		b.layer.Away(false)
		b.pass(time.Minute)
		b.well(1)
		b.tree.Shutdown()
		b.settle()
		if h := b.tree.Health(); !h.Stopping {
			b.Errorf("while stopping: %+v", h)
		}
	})
}

// stuckBroker hangs in a call that must not wait.
type stuckBroker struct {
	*probe.Broker
	release chan struct{}
}

// Ack implements the port, badly.
func (s stuckBroker) Ack(...uint64) { <-s.release }

func TestPing(t *testing.T) {
	t.Parallel()
	stuck := stuckBroker{release: make(chan struct{})}
	run(t, func(b *bundle, o *actors.Options) {
		stuck.Broker, stuck.release = b.broker, make(chan struct{})
		o.MQTT = stuck
	}, func(b *bundle) {
		b.layer.Put(subscribe("a", alerts))
		b.settle()
		if err := b.tree.Ping(time.Second); err != nil {
			b.Errorf("all is well: %v", err)
		}
		b.broker.Send(message("a", "1"))
		b.settle()
		if err := b.tree.Ping(time.Second); err == nil || !strings.Contains(err.Error(), "bridge/session") || strings.Contains(err.Error(), "router") {
			b.Errorf("the session hangs: %v", err)
		}
		close(stuck.release)
		b.settle()
		if err := b.tree.Ping(time.Second); err != nil {
			b.Errorf("all is well again: %v", err)
		}
		b.tree.Shutdown()
		<-b.tree.Done()
		if err := b.tree.Ping(time.Second); err != nil {
			b.Errorf("nobody is left who could hang: %v", err)
		}
	})
}

func TestTimesAreMeasured(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		b.layer.Put(subscribe("a", alerts))
		b.settle()
		b.layer.Away(true)
		b.broker.Send(message("a", "1"))
		b.pass(10 * time.Second)
		b.layer.Away(false)
		b.pass(time.Minute)
		s := b.tree.Stats()
		for what, h := range map[string]*actors.Histogram{"acknowledgement": &s.Acknowledgement, "writing": &s.Writing} {
			if n, sum, _ := h.Read(); n != 1 || sum < 10 || sum > 30 {
				b.Errorf("%s: %d times, %v s", what, n, sum)
			}
		}
		if n := s.Settled.Load(); n != 1 {
			b.Errorf("%d settled", n)
		}
	})
}

func TestHistogram(t *testing.T) {
	t.Parallel()
	var h actors.Histogram
	for _, d := range []time.Duration{-time.Second, 0, 100 * time.Microsecond, 100*time.Microsecond + 1, 200 * time.Microsecond, time.Second, time.Hour} {
		h.Observe(d)
	}
	count, sum, atMost := h.Read()
	if count != 7 || sum < 3601 || sum > 3602 {
		t.Errorf("%d times, %v s", count, sum)
	}
	for bound, want := range map[float64]uint64{0.0001: 3, 0.0002: 5, 0.0004: 5, 0.8192: 5, 1.6384: 6, 52.4288: 6} {
		if got := atMost[bound]; got != want {
			t.Errorf("%d times at most %v s, want %d", got, bound, want)
		}
	}
}

func BenchmarkHistogram(b *testing.B) {
	var h actors.Histogram
	for i := 0; b.Loop(); i++ {
		h.Observe(time.Duration(i) * time.Microsecond)
	}
}
