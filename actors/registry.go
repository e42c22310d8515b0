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

// The registry keeps the subscriptions in Redis. It restores them at the start, stores each
// change before its command is done, writes again what Redis has lost, and drops subscriptions
// at whose targets nobody has listened for a while.

// Private reminders.
type (
	restoreAgain struct{ stamp }
	storeAgain   struct{ stamp }
	checkAgain   struct{ stamp }
	pollAgain    struct{ stamp }
)

type registry struct {
	*env
	incarnation
	bridge   Ref[messages.ToBridge]
	commands Ref[messages.ToCommands]
	router   Ref[messages.ToRouter]
	follower *follower

	state   *stored.Writes
	idle    idleTargets
	limited limitedLog
}

func newRegistry(deps *env, to *refs) *actor.Props {
	return propsOf(deps, func() actor.Actor {
		r := &registry{
			env: deps, bridge: to.bridge, commands: to.commands, router: to.router,
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
	case *pollAgain:
		r.run("checking who listens", r.idle.poll())
	case *polled:
		r.polled(m)
	case *actor.Stopping:
		r.mirror.leave(r.follower)
	default:
		r.unhandled(ctx)
	}
}

// release finishes the commands whose changes could not be handled.
func (r *registry) release(message any) {
	switch m := message.(type) {
	case messages.Keep:
		if m.Receipt != "" {
			r.commands.Tell(messages.Done{Receipts: []messages.Receipt{m.Receipt}})
		}
	case *storedNow:
		r.state.Over()
		r.commands.Tell(messages.Done{Receipts: m.receipts})
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
	r.schedulePoll()
	r.after(checkEvery, &checkAgain{})
}

// keep stores changes, for which a command may wait.
func (r *registry) keep(m messages.Keep) {
	r.idle.kept(m.Changes)
	r.state.Keep(m)
	r.store()
}

func (r *registry) gone(m messages.FilterGone) {
	r.state.Gone(m.Filters)
	r.store()
}

// checkEvery is how often the registry checks whether Redis has lost something. It also checks
// when Redis was away.
const checkEvery = 2 * time.Second

// storedNow is the outcome of one Layer.Write.
type storedNow struct {
	task
	changes  []messages.Change
	receipts []messages.Receipt
	serial   uint64
	number   uint64
}

// checked is the outcome of one Layer.Intact.
type checked struct {
	task
	lost bool
}

// store writes the changes that wait, one write at a time. It checks first if something may
// have been lost.
func (r *registry) store() {
	switch r.state.Next() {
	case stored.Look:
		r.check()
	case stored.Write:
		r.write(false)
	}
	r.health.unused.Store(r.state.Unused())
}

// write writes the changes that wait. If Redis has lost everything (lost), it writes also
// without changes.
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
		r.commands.Tell(messages.Done{Receipts: m.receipts})
	}
	if r.state.Several() {
		r.mirror.wake()
		r.router.Tell(messages.Kept{Receipts: m.receipts, Serial: m.serial, Number: m.number})
	}
	r.store()
}

// doubt checks whether Redis has lost something, as soon as nothing is being written.
func (r *registry) doubt() {
	r.state.Doubt()
	r.store()
}

// check starts a check whether Redis has lost something.
func (r *registry) check() {
	m := &checked{}
	m.work = func(ctx context.Context) error {
		intact, err := r.Layer.Intact(ctx)
		m.lost = err == nil && !intact
		return err
	}
	r.run("checking whether the subscriptions are stored", m)
}

// checked writes everything again if Redis has lost something: Redis must hold the state that
// the worker acts by. Others see nothing before it is there as a whole. After an error the next
// check comes in time.
func (r *registry) checked(m *checked) {
	r.state.Over()
	if m.err != nil {
		r.limited.warn(r.env, "checking whether the subscriptions are stored", m.err)
	}
	if m.err != nil || !m.lost {
		r.store()
		return
	}
	missing := r.state.All()
	r.mirror.read(func(v *placement.View) {
		if r.state.Several() {
			missing = v.Statuses(r.Slot)
		}
		if r.state.Several() && r.Slot == 0 {
			missing = append(v.Registry(), missing...)
		}
	})
	r.Log.Warn("Redis has lost the worker's data; writing it again: check that nothing flushes Redis or evicts its keys",
		"subscriptions", len(missing), "of", r.state.Len())
	r.state.Rewrite(missing)
	r.write(true)
}

func (r *registry) schedulePoll() {
	if every := r.idle.every(); every > 0 {
		r.after(every, &pollAgain{})
	}
}

func (r *registry) polled(m *polled) {
	r.schedulePoll()
	for _, drop := range r.idle.polled(m) {
		r.router.Tell(drop)
	}
}

func (r *registry) facts() any { return r.state.Facts() }
