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

// Health is the state of a slot towards both sides. The zero value is that of a slot that has
// just been started.
type Health struct {
	// Layer and Broker: connected to Redis, and to the MQTT broker.
	Layer, Broker bool
	// Restored: the stored subscriptions are known. Subscribed: the MQTT broker
	// has answered for every filter on the live connection.
	Restored, Subscribed bool
	// Filters is how many filters are wanted at the MQTT broker, Refused how many of
	// them it does not take, and Held how many it has.
	Filters, Refused, Held int
	// State is that of the connection to the MQTT broker, or of the last one.
	State messages.State
	// Stopping: Shutdown was called, or the slot has given up.
	Stopping bool
}

// Health returns the state of the slot. It may be called at any time, and does not wait.
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

// Health sums up the state of all slots. A flag is set if it is set for each slot. State is
// that of the first slot, or of one that is not connected. A tree without slots has the zero
// value.
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

// Layout is the layout as the first of several slots knows it, else zero. Before is how many
// slots there must be until all have left the filters that are not their own.
func (s *Slot) Layout() messages.Layout {
	if known := s.deps.health.layout.Load(); known != nil {
		return *known
	}
	return messages.Layout{}
}

// Alone says that the slot was started as the only one. It must be started again to be one
// of several.
func (s *Slot) Alone() bool { return s.deps.health.restored.Load() && !s.deps.health.several.Load() }

// Idle says whether the slot is not in the layout any more, and has left all its filters. It
// can be stopped, and Retired.
func (s *Slot) Idle() bool { return s.deps.health.idle.Load() }

// Retired returns the changes to write when the session of an Idle slot was dropped; nil: the
// newest layout has the slot again, and its session must be kept.
func (s *Slot) Retired() (changes []messages.Change) {
	s.deps.mirror.read(func(v *placement.View) {
		if s.deps.Slot < v.Epoch().Sessions {
			return
		}
		epoch := v.Epoch().Number
		changes = append(changes, messages.Change{Status: &messages.SlotStatus{Epoch: epoch, Left: epoch, Change: v.Number(), Ended: v.Number()}})
	})
	return changes
}

// SetStreams tells the first slot whether the slot of the streams runs.
func (s *Slot) SetStreams(up bool) { s.to.commands.Tell(messages.StreamsState{Up: up}) }

// Unused says that nothing is subscribed in the slot, and nothing is under way in it.
func (s *Slot) Unused() bool { return s.deps.health.unused.Load() && s.deps.flow.underWay() == 0 }

// Reconfigure sets the rules of all slots.
func (t *Tree) Reconfigure(rules messages.Rules) {
	for _, s := range t.all() {
		s.to.router.Tell(messages.Reconfigured{Rules: rules.For(s.deps.Slot)})
	}
}

// SetLayout sets the layout of the slot.
func (s *Slot) SetLayout(l messages.Layout) {
	s.to.router.Tell(messages.LayoutChanged{Layout: l})
}

// health is what the actors note for Tree.Health: bridge the two sides, router that it knows
// the subscriptions, spread the progress, and session the rest.
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

// progress notes how far the slot is: last is the last change of the registry, done the one
// up to which the broker has answered, moving how many filters are on their way.
func (h *health) progress(last, done uint64, moving int, idle bool) {
	h.change.Store(done)
	h.lag.Store(last - done)
	h.moving.Store(int64(moving))
	h.idle.Store(idle)
}

// subscriptions notes how many filters are wanted at the MQTT broker, how many of them it
// does not take, and whether it has answered for each.
func (h *health) subscriptions(filters int, plan *reconcile.Plan) {
	h.subscribed.Store(plan.Settled())
	h.filters.Store(int64(filters))
	h.refused.Store(int64(plan.Missing()))
	h.held.Store(int64(plan.Held()))
}

// ping asks an actor whether it still handles messages; guarded answers with pong.
type (
	ping struct{}
	pong struct{}
)

// Ping asks each slot's root and its children to answer, behind what is in their mailboxes.
// The error names those that do not answer within the time.
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
			// It has stopped. Its parent handles that, or the worker where it is a root.
		default:
			errs = append(errs, fmt.Errorf("pinging actor %s: %w", paths[i], err))
		}
	}
	return errors.Join(errs...)
}
