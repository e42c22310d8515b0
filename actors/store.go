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

// The store keeps the subscriptions in Redis. It restores them at the start, stores each
// change before its command is done, writes again what Redis has lost, and drops subscriptions
// at whose targets nobody has listened for a while.

// Private reminders.
type (
	restoreAgain struct{ stamp }
	storeAgain   struct{ stamp }
	checkAgain   struct{ stamp }
	pollAgain    struct{ stamp }
)

type store struct {
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

func newStore(deps *env, to *refs) *actor.Props {
	return propsOf(deps, func() actor.Actor {
		s := &store{
			env: deps, bridge: to.bridge, commands: to.commands, router: to.router,
			follower: &follower{deps.Slot, to.bridge, to.router, to.store}, state: stored.NewWrites(),
		}
		s.idle = newIdleTargets(deps, s.state.State)
		return s
	})
}

// Receive is the store's table.
func (s *store) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		s.restore()
	case *restoreAgain:
		s.restore()
	case *restored:
		s.restored(m)
	case messages.Keep:
		s.keep(m)
	case messages.FilterGone:
		s.gone(m)
	case *storedNow:
		s.storedNow(m)
	case *storeAgain:
		s.state.Over()
		s.save()
	case *checkAgain:
		s.after(checkEvery, &checkAgain{})
		s.doubt()
	case *checked:
		s.checked(m)
	case messages.LayerState:
		if m.Up {
			s.doubt()
		}
	case *pollAgain:
		s.run("checking who listens", s.idle.poll())
	case *polled:
		s.polled(m)
	case *actor.Stopping:
		s.mirror.leave(s.follower)
	default:
		s.unhandled(ctx)
	}
}

// release finishes the commands whose changes could not be handled.
func (s *store) release(message any) {
	switch m := message.(type) {
	case messages.Keep:
		if m.Receipt != "" {
			s.commands.Tell(messages.Done{Receipts: []messages.Receipt{m.Receipt}})
		}
	case *storedNow:
		s.state.Over()
		s.commands.Tell(messages.Done{Receipts: m.receipts})
	case *checked:
		s.state.Over()
	}
}

func (s *store) restore() {
	s.run("restoring subscriptions", &restored{env: s.env, follower: s.follower})
}

func (s *store) restored(m *restored) {
	if m.err != nil {
		s.limited.warn(s.env, "restoring subscriptions", m.err)
		s.retry(s.state.Failed(), &restoreAgain{})
		return
	}
	s.state.Restore(m.Restored)
	s.health.several.Store(m.Several)
	if m.Several && s.Slot > 0 {
		s.bridge.Tell(messages.LayerState{Up: true})
	}
	s.idle.restored(m.Stored)
	if len(m.Stored) > 0 {
		s.Log.Info("subscriptions restored", "subscriptions", len(m.Stored))
	}
	s.router.Tell(m.Restored)
	s.save()
	s.schedulePoll()
	s.after(checkEvery, &checkAgain{})
}

// keep stores changes, for which a command may wait.
func (s *store) keep(m messages.Keep) {
	s.idle.kept(m.Changes)
	s.state.Keep(m)
	s.save()
}

func (s *store) gone(m messages.FilterGone) {
	s.state.Gone(m.Filters)
	s.save()
}

// checkEvery is how often the store checks whether Redis has lost something. It also checks
// when Redis was unreachable.
const checkEvery = 2 * time.Second

// storedNow is the outcome of one Layer.Write.
type storedNow struct {
	task
	changes   []messages.Change
	receipts  []messages.Receipt
	changeSeq uint64
	number    uint64
}

// checked is the outcome of one Layer.Intact.
type checked struct {
	task
	lost bool
}

// save writes the changes that wait, one write at a time. It checks first if something may
// have been lost.
func (s *store) save() {
	switch s.state.Next() {
	case stored.Look:
		s.check()
	case stored.Write:
		s.write(false)
	}
	s.health.unused.Store(s.state.Unused())
}

// write writes the changes that wait. If Redis has lost everything (lost), it writes also
// without changes.
func (s *store) write(lost bool) {
	m := &storedNow{changeSeq: s.state.ChangeSeq()}
	m.changes, m.receipts = s.state.Take()
	m.work = func(ctx context.Context) (err error) {
		if lost || len(m.changes) > 0 {
			m.number, err = s.Layer.Write(ctx, m.changes)
		}
		return err
	}
	s.run("storing subscriptions", m)
}

func (s *store) storedNow(m *storedNow) {
	if m.err != nil {
		var f *messages.LayerFailure
		failed := s.state.NotWritten(m.changes, m.receipts, errors.As(m.err, &f) && f.Answered)
		s.limited.warn(s.env, "storing subscriptions", m.err)
		s.retry(failed, &storeAgain{})
		return
	}
	s.state.Wrote()
	if len(m.receipts) > 0 {
		s.commands.Tell(messages.Done{Receipts: m.receipts})
	}
	if s.state.Several() {
		s.mirror.wake()
		s.router.Tell(messages.Kept{Receipts: m.receipts, ChangeSeq: m.changeSeq, Number: m.number})
	}
	s.save()
}

// doubt checks whether Redis has lost something, as soon as nothing is being written.
func (s *store) doubt() {
	s.state.Doubt()
	s.save()
}

// check starts a check whether Redis has lost something.
func (s *store) check() {
	m := &checked{}
	m.work = func(ctx context.Context) error {
		intact, err := s.Layer.Intact(ctx)
		m.lost = err == nil && !intact
		return err
	}
	s.run("checking whether the subscriptions are stored", m)
}

// checked writes everything again if Redis has lost something: Redis must hold the state that
// the worker acts by. Others see nothing before it is there as a whole. After an error the next
// check comes in time.
func (s *store) checked(m *checked) {
	s.state.Over()
	if m.err != nil {
		s.limited.warn(s.env, "checking whether the subscriptions are stored", m.err)
	}
	if m.err != nil || !m.lost {
		s.save()
		return
	}
	missing := s.state.All()
	s.mirror.read(func(v *placement.View) {
		if s.state.Several() {
			missing = v.Statuses(s.Slot)
		}
		if s.state.Several() && s.Slot == 0 {
			missing = append(v.Registry(), missing...)
		}
	})
	s.Log.Warn("Redis has lost the worker's data; writing it again: check that nothing flushes Redis or evicts its keys",
		"subscriptions", len(missing), "of", s.state.Len())
	s.state.Rewrite(missing)
	s.write(true)
}

func (s *store) schedulePoll() {
	if every := s.idle.every(); every > 0 {
		s.after(every, &pollAgain{})
	}
}

func (s *store) polled(m *polled) {
	s.schedulePoll()
	for _, drop := range s.idle.polled(m) {
		s.router.Tell(drop)
	}
}

func (s *store) info() any { return s.state.Info() }
