package actors

import (
	"context"
	"errors"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/actors/placement"
	"chanmqttproxy/actors/stored"
	"chanmqttproxy/messages"
)

// The registry keeps the subscriptions in Redis: it restores them at the start,
// stores each change before the command that made it is done, writes again what
// Redis has lost of them, and has those dropped whose targets nobody has listened
// at for a while.

// Private reminders.
type (
	restoreAgain struct{ stamp }
	storeAgain   struct{ stamp }
	checkAgain   struct{ stamp }
	lookAgain    struct{ stamp }
)

type registry struct {
	*env
	incarnation
	bridge   Ref[messages.ToBridge]
	reader   Ref[messages.ToReader]
	router   Ref[messages.ToRouter]
	follower *follower

	state   *stored.Writes
	idle    idleTargets
	limited limitedLog
}

func newRegistry(deps *env, to *refs) *actor.Props {
	return propsOf(deps, func() actor.Actor {
		r := &registry{
			env: deps, bridge: to.bridge, reader: to.reader, router: to.router,
			follower: &follower{deps.Slot, to.bridge, to.router, to.registry}, state: stored.NewWrites(),
		}
		r.idle = newIdleTargets(deps, r.state.State)
		return r
	})
}

// Receive is the registry's table.
func (r *registry) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		r.restore()
	case *restoreAgain:
		r.restore()
	case *restored:
		r.restored(m)
	case messages.Keep:
		r.keep(m)
	case messages.FilterGone:
		r.gone(m)
	case *storedNow:
		r.storedNow(m)
	case *storeAgain:
		r.state.Over()
		r.store()
	case *checkAgain:
		r.after(checkEvery, &checkAgain{})
		r.doubt()
	case *checked:
		r.checked(m)
	case messages.LayerState:
		if m.Up {
			r.doubt()
		}
	case *lookAgain:
		r.run("looking who listens", r.idle.look())
	case *lookedAt:
		r.lookedAt(m)
	case *actor.Stopping:
		r.mirror.leave(r.follower)
	default:
		r.strange(ctx)
	}
}

// release lets the commands be done whose changes could not be handled.
func (r *registry) release(message any) {
	switch m := message.(type) {
	case messages.Keep:
		if m.Receipt != "" {
			r.reader.Tell(messages.Done{Receipts: []messages.Receipt{m.Receipt}})
		}
	case *storedNow:
		r.state.Over()
		r.reader.Tell(messages.Done{Receipts: m.receipts})
	case *checked:
		r.state.Over()
	}
}

func (r *registry) restore() {
	r.run("restoring subscriptions", &restored{env: r.env, follower: r.follower})
}

func (r *registry) restored(m *restored) {
	if m.err != nil {
		r.limited.warn(r.env, "restoring subscriptions", m.err)
		r.retry(r.state.Failed(), &restoreAgain{})
		return
	}
	r.state.Restore(m.Restored)
	r.health.several.Store(m.Several)
	if m.Several && r.Slot > 0 {
		r.bridge.Tell(messages.LayerState{Up: true})
	}
	r.idle.restored(m.Stored)
	if len(m.Stored) > 0 {
		r.Log.Info("subscriptions restored", "subscriptions", len(m.Stored))
	}
	r.router.Tell(m.Restored)
	r.store()
	r.scheduleLook()
	r.after(checkEvery, &checkAgain{})
}

// keep notes changes, and that a command waits for them.
func (r *registry) keep(m messages.Keep) {
	r.idle.kept(m.Changes)
	r.state.Keep(m)
	r.store()
}

func (r *registry) gone(m messages.FilterGone) {
	r.state.Gone(m.Filters)
	r.store()
}

// checkEvery is how often it is looked whether Redis has lost something; it is looked
// too when Redis was away.
const checkEvery = 10 * time.Second

// storedNow is the outcome of one Layer.Write.
type storedNow struct {
	task
	changes  []messages.Change
	receipts []messages.Receipt
	serial   uint64
	number   uint64
}

// checked is the outcome of one such look.
type checked struct {
	task
	lost bool
}

// store writes the changes that wait, one write at a time, but looks first where
// something may have been lost.
func (r *registry) store() {
	switch r.state.Next() {
	case stored.Look:
		r.check()
	case stored.Write:
		r.write(false)
	}
	r.health.unused.Store(r.state.Unused())
}

// write writes the changes that wait, or says that there is nothing to keep where Redis has
// lost what was kept.
func (r *registry) write(lost bool) {
	m := &storedNow{serial: r.state.Serial()}
	m.changes, m.receipts = r.state.Take()
	m.work = func(ctx context.Context) (err error) {
		if lost || len(m.changes) > 0 {
			m.number, err = r.Layer.Write(ctx, m.changes)
		}
		return err
	}
	r.run("storing subscriptions", m)
}

func (r *registry) storedNow(m *storedNow) {
	if m.err != nil {
		var f *messages.LayerFailure
		failed := r.state.NotWritten(m.changes, m.receipts, errors.As(m.err, &f) && f.Answered)
		r.limited.warn(r.env, "storing subscriptions", m.err)
		r.retry(failed, &storeAgain{})
		return
	}
	r.state.Wrote()
	if len(m.receipts) > 0 {
		r.reader.Tell(messages.Done{Receipts: m.receipts})
	}
	if r.state.Several() {
		r.mirror.poke()
		r.router.Tell(messages.Kept{Receipts: m.receipts, Serial: m.serial, Number: m.number})
	}
	r.store()
}

// doubt has it looked whether Redis has lost something, when nothing is being written.
func (r *registry) doubt() {
	r.state.Doubt()
	r.store()
}

// check looks whether Redis has lost something.
func (r *registry) check() {
	m := &checked{}
	m.work = func(ctx context.Context) error {
		intact, err := r.Layer.Intact(ctx)
		m.lost = err == nil && !intact
		return err
	}
	r.run("looking whether the subscriptions are stored", m)
}

// checked writes all again where Redis has lost something: it has to hold the state that the
// worker works by, and shows nothing before it is there as a whole. After an error the next
// look comes in time.
func (r *registry) checked(m *checked) {
	r.state.Over()
	if m.err != nil {
		r.limited.warn(r.env, "looking whether the subscriptions are stored", m.err)
	}
	if m.err != nil || !m.lost {
		r.store()
		return
	}
	missing := r.state.All()
	r.mirror.look(func(v *placement.View) {
		if r.state.Several() {
			missing = v.Statuses(r.Slot)
		}
		if r.state.Several() && r.Slot == 0 {
			missing = append(v.Registry(), missing...)
		}
	})
	r.Log.Warn("Redis has lost what the worker stores there; it is written again: check that nothing flushes Redis or evicts its keys",
		"subscriptions", len(missing), "of", r.state.Len())
	r.state.Rewrite(missing)
	r.write(true)
}

func (r *registry) scheduleLook() {
	if every := r.idle.every(); every > 0 {
		r.after(every, &lookAgain{})
	}
}

func (r *registry) lookedAt(m *lookedAt) {
	r.scheduleLook()
	for _, drop := range r.idle.lookedAt(m) {
		r.router.Tell(drop)
	}
}

func (r *registry) facts() any { return r.state.Facts() }
