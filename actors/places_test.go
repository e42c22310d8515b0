package actors_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

// inSlot makes the tree one of a slot of several.
func inSlot(slot int, layout messages.Layout) func(*bundle, *actors.Options) {
	return func(_ *bundle, o *actors.Options) {
		o.Slot, o.Layout = slot, layout
		o.SlotChannel = func(slot int) string { return fmt.Sprint("slot-", slot) }
	}
}

// placed is a filter that has its place in that slot of n.
func placed(slot, n int) string {
	for i := 0; ; i++ {
		if f := fmt.Sprint("filter/", i); topic.Slot(f, n) == slot {
			return f
		}
	}
}

// moves is a filter whose place is another once there are n slots, not m.
func moves(from, m, to, n int) string {
	for i := 0; ; i++ {
		if f := fmt.Sprint("filter/", i); topic.Slot(f, m) == from && topic.Slot(f, n) == to {
			return f
		}
	}
}

// told are the types, ids and topics of what another slot was told.
func (b *bundle) told(slot int) (list []string) {
	for _, e := range b.layer.Sent(messages.Target{Kind: messages.Channel, Name: fmt.Sprint("slot-", slot)}) {
		kind, _ := e.Body.Get("type")
		name, _ := e.Body.Get("topic")
		qos, _ := e.Body.Get("qos")
		list = append(list, fmt.Sprint(kind, " ", name, " ", qos))
	}
	return list
}

func (b *bundle) wantTold(slot int, want ...string) {
	b.Helper()
	if got := b.told(slot); fmt.Sprint(got) != fmt.Sprint(want) {
		b.Errorf("slot %d was told %q, want %q", slot, got, want)
	}
}

// A command about a filter goes to the slot in which the filter has its place, and is
// neither carried out nor answered here.
func TestCommandsFindTheirSlots(t *testing.T) {
	t.Parallel()
	run(t, inSlot(0, messages.Layout{Sessions: 3}), func(b *bundle) {
		own, other := placed(0, 3), placed(2, 3)
		for _, c := range []messages.Command{subscribe(own, alerts), unsubscribe(own, alerts), publish(other)} {
			r := b.layer.Put(c)
			b.settle()
			if slot, ok := b.layer.Forwarded(r); ok {
				b.Errorf("%T was given to slot %d", c, slot)
			}
		}
		c := subscribe(other, alerts)
		c.Reply.Channel = "specific.a!1"
		for _, c := range []messages.Command{c, unsubscribe(other, alerts)} {
			r := b.layer.Put(c)
			b.settle()
			if slot, ok := b.layer.Forwarded(r); !ok || slot != 2 {
				b.Errorf("%T was given to %d, %v", c, slot, ok)
			}
			if b.layer.Acked(r) {
				b.Errorf("%T was acknowledged", c)
			}
		}
		if filters := b.broker.Filters(); len(filters) != 0 {
			b.Errorf("subscribed to %v", filters)
		}
	})
}

// What wants no local messages is served by the slot that publishes, and by no other.
func TestNoLocalIsOfTheFirstSlot(t *testing.T) {
	t.Parallel()
	run(t, inSlot(0, messages.Layout{Sessions: 2}), func(b *bundle) {
		other := placed(1, 2)
		c := subscribe(other, alerts)
		c.Options.NoLocal = true
		b.layer.Put(c)
		b.settle()
		if filters := b.broker.Filters(); len(filters) != 1 {
			b.Errorf("subscribed to %v", filters)
		}
		b.wantTold(1, "mqtt.unsubscribe "+other+" <nil>")
		b.layer.Put(subscribe(other, alerts)) // now it does want them
		b.settle()
		if filters := b.broker.Filters(); len(filters) != 0 {
			b.Errorf("still subscribed to %v", filters)
		}
	})
}

// A filter that has its place elsewhere is left when the broker has granted it there.
func TestFiltersMove(t *testing.T) {
	t.Parallel()
	filter := moves(0, 1, 1, 2)
	run(t, inSlot(0, messages.Layout{Sessions: 1}), func(b *bundle) {
		b.layer.Put(subscribe(filter, alerts))
		b.settle()
		layout := messages.Layout{Sessions: 2, Before: 1}
		b.tree.SetLayout(layout)
		b.settle()
		if len(b.broker.Filters()) != 1 || b.tree.Moved(layout) {
			b.Error("it was left before it was granted elsewhere")
		}
		b.wantTold(1, "mqtt.subscribe "+filter+" 1")

		// What comes meanwhile goes there.
		r := b.layer.Put(subscribe(filter, alerts))
		b.settle()
		if slot, ok := b.layer.Forwarded(r); !ok || slot != 1 {
			b.Errorf("given to %d, %v", slot, ok)
		}

		b.layer.Put(messages.MovedCommand{Filter: filter, Targets: []messages.Target{alerts}})
		b.settle()
		if len(b.broker.Filters()) != 0 || !b.tree.Moved(layout) {
			b.Error("it was not left")
		}
	})
}

// moving is a subscribe by which another slot moves a subscription here.
func moving(filter string, from int, to messages.Target) messages.SubscribeCommand {
	c := subscribe(filter, to)
	c.Reply = messages.Reply{Channel: fmt.Sprint("slot-", from), ID: messages.MovingID}
	c.FromSlot, c.Moving = true, true
	return c
}

// A filter is taken over, in either direction; where that was done already it is said
// again.
func TestFiltersAreTakenOver(t *testing.T) {
	t.Parallel()
	for to, layout := range []messages.Layout{{Sessions: 1, Before: 2}, {Sessions: 2, Before: 1}} {
		run(t, inSlot(to, layout), func(b *bundle) {
			filter := moves(1-to, layout.Before, to, layout.Sessions)
			for n := 1; n <= 2; n++ {
				r := b.layer.Put(moving(filter, 1-to, alerts))
				b.settle()
				if !b.layer.Acked(r) || len(b.broker.Filters()) != 1 {
					b.Errorf("slot %d has %v", to, b.broker.Filters())
				}
			}
			said := "mqtt.subscribed " + filter + " 1"
			b.wantTold(1-to, said, said)
		})
	}
}

// What is said of a filter where it moves to is newer than what comes from where it was.
func TestCommandsOvertakeMoves(t *testing.T) {
	t.Parallel()
	filter := moves(1, 2, 0, 1)
	run(t, inSlot(0, messages.Layout{Sessions: 1, Before: 2}), func(b *bundle) {
		newer := subscribe(filter, lobby)
		newer.Options.QoS = 2
		b.layer.Put(newer)
		b.layer.Put(moving(filter, 1, lobby))
		b.layer.Put(unsubscribe(filter, alerts))
		b.layer.Put(moving(filter, 1, alerts))
		b.settle()
		if stored := b.layer.Stored(); len(stored) != 1 || stored[0].Target != lobby || stored[0].Options.QoS != 2 {
			b.Errorf("stored are %+v", stored)
		}
		b.wantTold(1, "mqtt.unsubscribe "+filter+" <nil>", "mqtt.subscribed "+filter+" 1", "mqtt.subscribed "+filter+" 1")

		// Later it may come back.
		b.layer.Put(subscribe(filter, alerts))
		b.settle()
		if stored := b.layer.Stored(); len(stored) != 2 {
			b.Errorf("stored are %+v", stored)
		}
	})
}

// A slot that does not know the layout yet sends what is to move there back; it is tried
// again when it may know, and nothing is left meanwhile.
func TestMovesThatComeTooEarly(t *testing.T) {
	t.Parallel()
	filter := moves(0, 1, 1, 2)
	run(t, inSlot(1, messages.Layout{Sessions: 1}), func(b *bundle) {
		r := b.layer.Put(moving(filter, 0, alerts))
		b.settle()
		if slot, ok := b.layer.Forwarded(r); !ok || slot != 0 {
			b.Errorf("given to %d, %v", slot, ok)
		}
	})
	run(t, func(b *bundle, o *actors.Options) {
		inSlot(0, messages.Layout{Sessions: 2, Before: 1})(b, o)
		b.layer.Keep(messages.Stored{Filter: filter, Target: alerts, Options: messages.Options{QoS: 1}})
	}, func(b *bundle) {
		r := b.layer.Put(moving(filter, 0, alerts)) // as it came back
		b.settle()
		asked := "mqtt.subscribe " + filter + " 1"
		b.wantTold(1, asked)
		if !b.layer.Acked(r) || len(b.broker.Filters()) != 1 {
			b.Errorf("subscribed to %v", b.broker.Filters())
		}
		b.pass(time.Second)
		b.wantTold(1, asked, asked)
	})
}

// A filter that is unsubscribed where it moves to is given up where it was.
func TestMovingFilterIsGivenUp(t *testing.T) {
	t.Parallel()
	filter := moves(0, 1, 1, 2)
	run(t, func(b *bundle, o *actors.Options) {
		inSlot(0, messages.Layout{Sessions: 2, Before: 1})(b, o)
		b.layer.Keep(messages.Stored{Filter: filter, Target: alerts, Options: messages.Options{QoS: 1}})
	}, func(b *bundle) {
		r := b.layer.Put(messages.GiveUpCommand{Filter: filter, Targets: []messages.Target{alerts}})
		b.settle()
		if !b.layer.Acked(r) || len(b.broker.Filters()) != 0 || !b.tree.Moved(messages.Layout{Sessions: 2, Before: 1}) {
			b.Error("it was not given up")
		}
	})
}

// Who does not answer is asked again.
func TestMovesAreRepeated(t *testing.T) {
	t.Parallel()
	filter := moves(0, 1, 1, 2)
	run(t, func(b *bundle, o *actors.Options) {
		inSlot(0, messages.Layout{Sessions: 2, Before: 1})(b, o)
		b.layer.Keep(messages.Stored{Filter: filter, Target: alerts, Options: messages.Options{QoS: 1}})
	}, func(b *bundle) {
		b.pass(25e9)
		b.wantTold(1, "mqtt.subscribe "+filter+" 1", "mqtt.subscribe "+filter+" 1", "mqtt.subscribe "+filter+" 1")
	})
}

// Every slot holds a shared filter.
func TestSharedFilters(t *testing.T) {
	t.Parallel()
	filter := placed(1, 3)
	shared := subscribe(filter, alerts)
	shared.Options.Shared = true
	wire := topic.Shared(filter)
	run(t, inSlot(0, messages.Layout{Sessions: 3}), func(b *bundle) {
		shared := shared
		shared.Reply.Channel = "specific.a!1"
		b.layer.Put(shared)
		b.settle()
		for slot := range 3 {
			if want := []string{"mqtt.subscribe " + filter + " 1"}; slot > 0 {
				b.wantTold(slot, want...)
			}
		}
		if _, ok := b.broker.Filters()[wire]; !ok || len(b.broker.Filters()) != 1 {
			b.Errorf("subscribed to %v", b.broker.Filters())
		}
		b.broker.Send(message(filter, "hot"))
		b.settle()
		if got := b.payloads(alerts); len(got) != 1 {
			b.Errorf("delivered %q", got)
		}

		plain := b.layer.Put(subscribe(filter, lobby)) // it is shared by all or by none
		b.settle()
		if !b.layer.Acked(plain) || b.broker.Filters()[wire].QoS != 1 {
			b.Error("a plain subscribe was not refused")
		}

		b.tree.SetLayout(messages.Layout{Sessions: 4, Before: 3})
		b.settle()
		b.wantTold(3, "mqtt.subscribe "+filter+" 1")

		b.layer.Put(unsubscribe(filter, alerts))
		b.settle()
		if len(b.broker.Filters()) != 0 {
			b.Errorf("still subscribed to %v", b.broker.Filters())
		}
		b.wantTold(3, "mqtt.subscribe "+filter+" 1", "mqtt.unsubscribe "+filter+" <nil>")
	})
	run(t, inSlot(2, messages.Layout{Sessions: 3}), func(b *bundle) {
		r := b.layer.Put(shared) // as the first slot says
		b.settle()
		if _, ok := b.layer.Forwarded(r); ok || len(b.broker.Filters()) != 1 {
			b.Errorf("subscribed to %v", b.broker.Filters())
		}
		b.layer.Put(unsubscribe(filter, alerts))
		b.settle()
		if len(b.broker.Filters()) != 0 {
			b.Errorf("still subscribed to %v", b.broker.Filters())
		}
	})
}

// granted is a granted subscription of a group.
func granted(filter string, target messages.Target) messages.Stored {
	return messages.Stored{Filter: filter, Target: target, Granted: true}
}

// A target that several slots serve gets a message from the lowest of them.
func TestOverlapsAcrossSlots(t *testing.T) {
	t.Parallel()
	filter := placed(2, 3)
	run(t, inSlot(2, messages.Layout{Sessions: 3}), func(b *bundle) {
		b.layer.Put(subscribe(filter, alerts, lobby))
		b.settle()
		n := 0
		comes := func(why string, toAlerts, toLobby bool) {
			t.Helper()
			before, beforeLobby, unmatched := len(b.payloads(alerts)), len(b.payloads(lobby)), b.tree.Stats().Unmatched.Load()
			n++
			seq := b.broker.Send(message(filter, fmt.Sprint(n)))
			b.settle()
			if got := len(b.payloads(alerts)) > before; got != toAlerts {
				t.Errorf("%s: came to alerts: %v", why, got)
			}
			if got := len(b.payloads(lobby)) > beforeLobby; got != toLobby {
				t.Errorf("%s: came to lobby: %v", why, got)
			}
			if !slices.Contains(b.broker.Acked(), seq) || b.tree.Stats().Unmatched.Load() != unmatched {
				t.Errorf("%s: it was not acknowledged, or counted as unmatched", why)
			}
		}
		tell := func(m messages.Elsewhere) {
			b.layer.Serve(m)
			b.settle()
		}
		comes("at first", true, true)
		asked := granted("#", alerts)
		asked.Granted = false
		tell(messages.Elsewhere{Slot: 0, All: true, Put: []messages.Stored{asked}})
		comes("asked for elsewhere", true, true)
		tell(messages.Elsewhere{Slot: 0, Put: []messages.Stored{granted("#", alerts), granted("other", lobby), granted(filter, lobby)}})
		comes("granted elsewhere", false, true)
		tell(messages.Elsewhere{Slot: 1, Put: []messages.Stored{granted("+/+", alerts), granted("+/+", lobby)}})
		comes("both granted elsewhere", false, false)
		tell(messages.Elsewhere{Slot: 0, Gone: []messages.Stored{{Filter: "#", Target: alerts}}})
		comes("one of two is gone", false, false)
		tell(messages.Elsewhere{Slot: 1, All: true, Put: []messages.Stored{granted("+/+", lobby)}})
		comes("the other too", true, false)
		shared := granted("#", alerts)
		shared.Options.Shared = true
		tell(messages.Elsewhere{Slot: 1, All: true, Put: []messages.Stored{shared}})
		comes("what is shared", true, true)
	})
}

// What is granted here is told to others, where there are any.
func TestGrantsAreStored(t *testing.T) {
	t.Parallel()
	filter := placed(1, 2)
	run(t, inSlot(1, messages.Layout{Sessions: 2}), func(b *bundle) {
		b.broker.Deny(filter)
		b.layer.Put(subscribe(filter, alerts))
		b.settle()
		if s := b.layer.Stored(); len(s) != 1 || s[0].Granted {
			b.Errorf("refused: %v", s)
		}
		b.broker.Allow(filter)
		b.broker.Drop(messages.Network)
		b.pass(time.Minute)
		if s := b.layer.Stored(); len(s) != 1 || !s[0].Granted {
			b.Errorf("granted: %v", s)
		}
	})
	run(t, nil, func(b *bundle) {
		b.layer.Put(subscribe(filter, alerts))
		b.settle()
		if s := b.layer.Stored(); len(s) != 1 || s[0].Granted {
			b.Errorf("with one slot: %v", s)
		}
	})
}
