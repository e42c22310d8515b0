package actors_test

import (
	"testing"
	"time"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
	"chanmqttproxy/test/probe"
)

// Where Redis is there, and only what it tells of commands is lost, the reader is restarted
// at once, and nobody says that Redis is unreachable.
func TestLostSignsAreARestartOfTheReader(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		b.pass(10 * time.Second)
		b.layer.Untell(0)
		b.settle()
		r := b.layer.Put(publish("a"))
		b.pass(10 * time.Millisecond)
		if !b.layer.Acked(r) {
			b.Error("no commands are taken")
		}
		s := b.tree.Stats()
		if kinds(s)["reader"] != 1 || s.LayerLosses.Load() != 0 || b.log.Count("Redis is") != 0 || !b.tree.Health().Layer {
			b.Errorf("restarts %v, %d losses, log %q", kinds(s), s.LayerLosses.Load(), b.log.Lines())
		}
	})
}

// It is noticed while nothing is received, too: the window is full.
func TestSignsAreLostWhileTheWindowIsFull(t *testing.T) {
	t.Parallel()
	run(t, func(_ *bundle, o *actors.Options) { o.Window = 1 }, func(b *bundle) {
		b.layer.Stick(asker, true)
		b.layer.Put(asking("1", "a", alerts))
		b.pass(10 * time.Second)
		b.layer.Away(true)
		b.layer.Untell(0)
		b.pass(time.Second)
		if b.tree.Health().Layer {
			b.Error("nobody has noticed that Redis is away")
		}
		b.layer.Away(false)
		b.layer.Stick(asker, false)
		r := b.layer.Put(publish("b"))
		b.pass(time.Second)
		if !b.layer.Acked(r) || !b.tree.Health().Layer {
			b.Errorf("health %+v", b.tree.Health())
		}
	})
}

// Each host has a reader. One that is away holds up no other, and the layer is up while one
// is there.
func TestHostsAreReadOnTheirOwn(t *testing.T) {
	t.Parallel()
	prepare := func(b *bundle, o *actors.Options) {
		b.layer = probe.NewLayerOn(2)
		o.Layer, o.Window = b.layer, 4
	}
	run(t, prepare, func(b *bundle) {
		took := func(host int) bool {
			var all []messages.Receipt
			for range 10 {
				all = append(all, b.layer.PutOn(host, publish("a")))
			}
			b.pass(time.Second)
			return b.acked(all) == len(all)
		}
		if !took(0) || !took(1) {
			b.Error("a host is not read")
		}
		b.layer.AwayOn(1, true)
		b.pass(time.Minute)
		waiting := b.layer.PutOn(1, publish("a"))
		if !took(0) || !b.tree.Health().Layer || b.log.Count("others go on") != 1 || b.log.Count("Redis is unreachable") != 0 {
			b.Errorf("one of two hosts is away: %+v, log %q", b.tree.Health(), b.log.Lines())
		}
		b.layer.AwayOn(0, true)
		b.pass(time.Second)
		if b.tree.Health().Layer || b.log.Count("Redis is unreachable") != 1 || b.tree.Stats().LayerLosses.Load() != 1 {
			b.Errorf("both are away: %+v, log %q", b.tree.Health(), b.log.Lines())
		}
		b.layer.AwayOn(1, false)
		b.pass(time.Second)
		if !b.tree.Health().Layer || !b.layer.Acked(waiting) {
			b.Errorf("one is back: %+v, log %q", b.tree.Health(), b.log.Lines())
		}
		b.layer.AwayOn(0, false)
		b.pass(time.Second)
		if !took(0) || !took(1) || b.log.Count("reading commands again from a Redis of the channel layer host=redis0") != 1 {
			b.Errorf("both are back: log %q", b.log.Lines())
		}
	})
}
