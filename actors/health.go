package actors

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/actors/placement"
	"chanmqttproxy/actors/reconcile"
	"chanmqttproxy/messages"
)

// Health is how a slot stands with both sides. Its zero value is that of one which
// has just been started.
type Health struct {
	// Layer and Broker: connected to Redis, and to the MQTT broker.
	Layer, Broker bool
	// Restored: the stored subscriptions are known. Subscribed: the MQTT broker
	// has answered for every filter on the live connection.
	Restored, Subscribed bool
	// Filters is how many filters are wanted at the MQTT broker, Refused how many of
	// them it does not take, and Held how many it has.
	Filters, Refused, Held int
	// State is what is known of the connection to the MQTT broker, of the last one
	// while there is none.
	State messages.State
	// Stopping: Shutdown was called, or the slot has given up.
	Stopping bool
}

// Health says how the slot stands. It may be asked at any time and waits for
// nothing.
func (s *Slot) Health() Health {
	h := s.deps.health
	state := messages.State{}
	if s := h.state.Load(); s != nil {
		state = *s
	}
	return Health{
		Layer: h.layer.Load(), Broker: h.broker.Load(), Restored: h.restored.Load(), Subscribed: h.subscribed.Load(),
		Filters: int(h.filters.Load()), Refused: int(h.refused.Load()), Held: int(h.held.Load()), State: state, Stopping: h.stopping.Load(),
	}
}

// Health sums up how all slots stand: something is so where it is so of each, and
// the State is that of the first, or of one that has none. Its zero value is that of
// a tree without slots.
func (t *Tree) Health() Health {
	var sum Health
	for i, s := range t.all() {
		h := s.Health()
		if i == 0 {
			sum = h
			continue
		}
		if sum.Broker && !h.Broker {
			sum.State = h.State
		}
		sum.Layer, sum.Broker = sum.Layer && h.Layer, sum.Broker && h.Broker
		sum.Restored, sum.Subscribed = sum.Restored && h.Restored, sum.Subscribed && h.Subscribed
		sum.Filters += h.Filters
		sum.Refused += h.Refused
		sum.Held += h.Held
		sum.Stopping = sum.Stopping || h.Stopping
	}
	return sum
}

// Layout is what the first of several slots knows of the layout: Before is how many slots
// there must be until all have left what is not their own. It is zero where that is not
// known.
func (s *Slot) Layout() messages.Layout {
	if known := s.deps.health.layout.Load(); known != nil {
		return *known
	}
	return messages.Layout{}
}

// Alone says that the slot began as the only one: it must begin anew to be one of several.
func (s *Slot) Alone() bool { return s.deps.health.restored.Load() && !s.deps.health.several.Load() }

// Idle says whether the slot is none any more by the layout, and has left all. It is to be
// stopped, and Retired.
func (s *Slot) Idle() bool { return s.deps.health.idle.Load() }

// Retired is what is to be written when the session of an Idle slot was dropped; nil: by
// the newest layout it is a slot again, and its session is to be kept.
func (s *Slot) Retired() (changes []messages.Change) {
	s.deps.mirror.look(func(v *placement.View) {
		if s.deps.Slot < v.Epoch().Sessions {
			return
		}
		epoch := v.Epoch().Number
		changes = append(changes, messages.Change{Status: &messages.SlotStatus{Epoch: epoch, Left: epoch, Change: v.Number(), Ended: v.Number()}})
	})
	return changes
}

// SetStreams tells the first slot that the slot of the streams runs, or does so no more.
func (s *Slot) SetStreams(up bool) { s.to.reader.Tell(messages.StreamsState{Up: up}) }

// Unused says that nothing is stored for the slot, and that all that has come to it is where
// it was to go: nobody has subscribed, or nobody does any more.
func (s *Slot) Unused() bool { return s.deps.health.unused.Load() && s.deps.flow.underWay() == 0 }

// Reconfigure has other rules hold from now on, in all slots that run.
func (t *Tree) Reconfigure(rules messages.Rules) {
	for _, s := range t.all() {
		s.to.router.Tell(messages.Reconfigured{Rules: rules.For(s.deps.Slot)})
	}
}

// SetLayout tells the slot that the layout is another.
func (s *Slot) SetLayout(l messages.Layout) {
	s.to.router.Tell(messages.Relaid{Layout: l})
}

// health is what the actors note for Tree.Health: bridge the two sides, router
// that it knows the subscriptions, broker the rest.
type health struct {
	layer, broker, restored, subscribed, stopping atomic.Bool
	several, idle, unused                         atomic.Bool

	filters, refused, held atomic.Int64

	moving atomic.Int64
	// change and lag are those of messages.SlotProgress.
	change, lag atomic.Uint64

	layout atomic.Pointer[messages.Layout]
	state  atomic.Pointer[messages.State]
}

// progress notes how far the slot has come: the last change of the registry, the one up to
// which the broker has answered for all, and how many filters are on their way.
func (h *health) progress(last, done uint64, moving int, idle bool) {
	h.change.Store(done)
	h.lag.Store(last - done)
	h.moving.Store(int64(moving))
	h.idle.Store(idle)
}

// asked notes how many filters are wanted at the MQTT broker, how many of them it does
// not take, and whether there is a verdict on each.
func (h *health) asked(filters int, plan *reconcile.Plan) {
	h.subscribed.Store(plan.Settled())
	h.filters.Store(int64(filters))
	h.refused.Store(int64(plan.Missing()))
	h.held.Store(int64(plan.Held()))
}

// ping asks any actor for a sign of life; guarded answers with pong.
type (
	ping struct{}
	pong struct{}
)

// Ping has each slot's root and each actor under it answer, behind what is in their
// mailboxes. The error names one that does not within the time.
func (t *Tree) Ping(within time.Duration) error {
	var paths []string
	for _, s := range t.all() {
		root := s.deps.paths.bridge
		paths = append(paths, root)
		for _, child := range bridgeChildren {
			paths = append(paths, root+"/"+child)
		}
	}
	answers := make([]*actor.Future, len(paths))
	for i, path := range paths {
		answers[i] = t.shared.system.Root.RequestFuture(t.shared.system.NewLocalPID(path), ping{}, within)
	}
	var errs []error
	for i, answer := range answers {
		switch _, err := answer.Result(); {
		case err == nil:
		case errors.Is(err, actor.ErrDeadLetter):
			// It has stopped, which is its parent's to handle, and of a root the worker's.
		default:
			errs = append(errs, fmt.Errorf("asking actor %s for a sign of life: %w", paths[i], err))
		}
	}
	return errors.Join(errs...)
}
