package actors

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/messages"
)

// Health is how the tree stands with both sides. Its zero value is that of a
// tree which has just been started.
type Health struct {
	// Layer and Broker: connected to Redis, and to the MQTT broker.
	Layer, Broker bool
	// Restored: the subscriptions of before are known. Subscribed: the MQTT broker
	// has answered for every filter on the live connection.
	Restored, Subscribed bool
	// Filters is how many filters are wanted at the MQTT broker.
	Filters int
	// State is what is known of the connection to the MQTT broker, of the last one
	// while there is none.
	State messages.State
	// Stopping: Shutdown was called, or the tree has given up.
	Stopping bool
}

// Health says how the tree stands. It may be asked at any time and waits for
// nothing.
func (t *Tree) Health() Health {
	h := t.deps.health
	state := messages.State{}
	if s := h.state.Load(); s != nil {
		state = *s
	}
	return Health{
		Layer: h.layer.Load(), Broker: h.broker.Load(), Restored: h.restored.Load(), Subscribed: h.subscribed.Load(),
		Filters: int(h.filters.Load()), State: state, Stopping: h.stopping.Load(),
	}
}

// health is what the actors note for Tree.Health: bridge the two sides, router
// that it knows the subscriptions, broker the rest.
type health struct {
	layer, broker, restored, subscribed, stopping atomic.Bool

	filters atomic.Int64
	state   atomic.Pointer[messages.State]
}

// asked notes how many filters are wanted at the MQTT broker, and whether it has
// answered for all.
func (h *health) asked(filters int, answered bool) {
	h.subscribed.Store(answered)
	h.filters.Store(int64(filters))
}

// ping asks any actor for a sign of life; guarded answers with pong.
type (
	ping struct{}
	pong struct{}
)

// Ping has the root and each actor under it answer, behind what is in their
// mailboxes. The error names one that does not within the time.
func (t *Tree) Ping(within time.Duration) error {
	paths := []string{bridgePath}
	for _, child := range bridgeChildren {
		paths = append(paths, bridgePath+"/"+child)
	}
	answers := make([]*actor.Future, len(paths))
	for i, path := range paths {
		answers[i] = t.system.Root.RequestFuture(t.system.NewLocalPID(path), ping{}, within)
	}
	var errs []error
	for i, answer := range answers {
		switch _, err := answer.Result(); {
		case err == nil:
		case errors.Is(err, actor.ErrDeadLetter) && i > 0:
			// It has stopped, which is the root's to handle.
		case errors.Is(err, actor.ErrDeadLetter):
			errs = append(errs, errors.New("the worker has stopped"))
		default:
			errs = append(errs, fmt.Errorf("asking actor %s for a sign of life: %w", paths[i], err))
		}
	}
	return errors.Join(errs...)
}
