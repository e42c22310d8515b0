package actors

import (
	"context"
	"iter"
	"slices"
	"time"

	"chanmqttproxy/actors/placement"
	"chanmqttproxy/actors/stored"
	"chanmqttproxy/messages"
)

// idleChecks is how many times the targets are polled within SubscriptionIdle.
const idleChecks = 5

// polled is the outcome of one Layer.Live.
type polled struct {
	task
	targets []messages.Target
	asked   time.Time
	live    []bool
}

// idleTargets finds the subscriptions to drop: nobody has listened at their targets for a
// while.
type idleTargets struct {
	*env
	state *stored.State
	idle  stored.Idle
}

func newIdleTargets(deps *env, state *stored.State) idleTargets {
	return idleTargets{env: deps, state: state, idle: stored.Idle{After: deps.SubscriptionIdle}}
}

// every is the time between two polls; 0: there are none.
func (t *idleTargets) every() time.Duration {
	if t.Slot > 0 {
		return 0
	}
	return t.SubscriptionIdle / idleChecks
}

// restored notes that somebody may listen at the targets that were stored.
func (t *idleTargets) restored(list []messages.Stored) {
	for _, s := range list {
		t.idle.Seen(s.Target, time.Now())
	}
}

// kept notes that targets were subscribed.
func (t *idleTargets) kept(changes []messages.Change) {
	for _, c := range changes {
		if c.Put != nil {
			t.idle.Seen(c.Put.Target, time.Now())
		}
	}
}

// all are the subscriptions that may be dropped.
func (t *idleTargets) all() iter.Seq[stored.Key] {
	if !t.state.Several() {
		return t.state.Keys()
	}
	var list []stored.Key
	t.mirror.read(func(v *placement.View) {
		for s := range v.All {
			if !s.Static {
				list = append(list, stored.Key{Filter: s.Filter, Target: s.Target})
			}
		}
	})
	return slices.Values(list)
}

// poll is the job of asking the layer at which targets somebody listens.
func (t *idleTargets) poll() *polled {
	m := &polled{asked: time.Now(), targets: t.idle.Targets(t.all())}
	m.work = func(ctx context.Context) (err error) {
		m.live, err = t.Layer.Live(ctx, m.targets)
		return err
	}
	return m
}

// polled returns what to drop.
func (t *idleTargets) polled(m *polled) (drops []messages.Drop) {
	if m.err != nil {
		t.idle.Postpone(t.every()) // it is not known who listens
		return nil
	}
	for _, target := range t.idle.Looked(m.targets, m.live, time.Now()) {
		var filters []string
		for key := range t.all() {
			if key.Target == target {
				filters = append(filters, key.Filter)
			}
		}
		t.Log.Info("subscriptions dropped: nobody has listened for a while; the next subscribe brings them back",
			"target", target.String(), "filters", len(filters), "idle", t.SubscriptionIdle)
		drops = append(drops, messages.Drop{Target: target, Filters: filters, Asked: m.asked})
	}
	return drops
}
