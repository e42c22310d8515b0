package actors

import (
	"context"
	"errors"
	"iter"
	"slices"
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

// restored is the outcome of Layer.Restore.
type restored struct {
	task
	messages.Restored
}

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

	known    bool // what was stored has been read
	state    *stored.State
	idle     stored.Idle
	serial   uint64 // see messages.Keep
	storing  bool   // or looking what is stored
	attempts int
	unsure   bool // something may have been lost

	complaint complaint
}

func newRegistry(deps *env, to *refs) *actor.Props {
	return propsOf(deps, func() actor.Actor {
		return &registry{
			env: deps, bridge: to.bridge, reader: to.reader, router: to.router, follower: &follower{deps.Slot, to.bridge, to.router, to.registry},
			state: stored.New(), idle: stored.Idle{After: deps.SubscriptionIdle},
		}
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
		r.storing = false
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
		r.look()
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
		r.storing = false
		r.reader.Tell(messages.Done{Receipts: m.receipts})
	case *checked:
		r.storing = false
	}
}

func (r *registry) restore() {
	m := &restored{}
	m.work = func(ctx context.Context) (err error) {
		m.Restored, err = r.read(ctx)
		return err
	}
	r.run("restoring subscriptions", m)
}

// errNoRegistry is why a slot does not begin: what it is to have is not known, and what its
// session brings would be for nobody.
var errNoRegistry = errors.New("the first session slot has not stored the registry yet")

// read reads what is stored, and finds out whether there are several slots. Then the mirror
// has it.
func (r *registry) read(ctx context.Context) (m messages.Restored, err error) {
	if m, err = r.Layer.Restore(ctx); err != nil || r.Slot < 0 {
		return m, err
	}
	if r.Slot == 0 {
		if err = r.lay(ctx, &m); err != nil || !m.Several {
			return m, err
		}
	}
	r.mirror.join(r.follower)
	if err = r.mirror.sync(ctx, max(r.Slot+1, r.Layout.Sessions, r.Layout.Before)); err != nil {
		return m, err
	}
	r.mirror.look(func(v *placement.View) {
		if !v.Loaded() || v.Epoch().Number == 0 {
			err = errNoRegistry
		}
	})
	return messages.Restored{Several: true}, err
}

// lay sees that the layouts are in Redis that count, and what else the mirror may know of a
// registry that is lost. It notes whether there are several slots.
func (r *registry) lay(ctx context.Context, m *messages.Restored) (err error) {
	found := len(m.Epochs) > 0
	m.Epochs, m.Several = placement.First(m.Epochs, r.Layout)
	if found {
		return nil
	}
	changes := []messages.Change{{Epochs: m.Epochs}}
	r.mirror.look(func(v *placement.View) {
		if v.Loaded() {
			changes, m.Several = v.Registry(), true
		}
	})
	_, err = r.Layer.Write(ctx, changes)
	return err
}

func (r *registry) restored(m *restored) {
	if m.err != nil {
		r.attempts++
		r.complaint.say(r.env, "restoring subscriptions", m.err)
		r.retry(r.attempts, &restoreAgain{})
		return
	}
	r.attempts, r.known = 0, true
	r.state.Restore(m.Restored)
	r.health.several.Store(m.Several)
	if m.Several && r.Slot > 0 {
		r.bridge.Tell(messages.LayerState{Up: true})
	}
	for _, s := range m.Stored {
		r.idle.Seen(s.Target, time.Now())
	}
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
	for _, c := range m.Changes {
		if c.Put != nil {
			r.idle.Seen(c.Put.Target, time.Now())
		}
	}
	r.state.Keep(m)
	r.serial = max(r.serial, m.Serial)
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

// checked is the outcome of one such look: what Redis holds, where it has lost something.
type checked struct {
	task
	lost  bool
	found messages.Restored
}

// store writes the changes that wait, one write at a time, but looks first where
// something may have been lost.
func (r *registry) store() {
	defer r.noteUnused()
	switch {
	case r.storing:
	case r.unsure && r.known:
		r.check()
	case r.state.Waiting():
		r.write()
	}
}

// noteUnused notes whether nothing is stored, or to be stored.
func (r *registry) noteUnused() {
	r.health.unused.Store(r.known && !r.storing && r.state.Len() == 0 && !r.state.Waiting())
}

// write writes the changes that wait, with what else is kept in Redis.
func (r *registry) write() {
	r.storing = true
	m := &storedNow{serial: r.serial}
	m.changes, m.receipts = r.state.Take()
	m.work = func(ctx context.Context) (err error) {
		if len(m.changes) > 0 {
			m.number, err = r.Layer.Write(ctx, m.changes)
		}
		return err
	}
	r.run("storing subscriptions", m)
}

func (r *registry) storedNow(m *storedNow) {
	if m.err != nil {
		r.attempts++
		r.state.Again(m.changes, m.receipts)
		var f *messages.LayerFailure
		r.unsure = r.unsure || errors.As(m.err, &f) && f.Answered // it may have lost something
		r.complaint.say(r.env, "storing subscriptions", m.err)
		r.retry(r.attempts, &storeAgain{})
		return
	}
	r.attempts, r.storing = 0, false
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
	r.unsure = true
	r.store()
}

// check looks whether Redis has lost something, and for what is there if so.
func (r *registry) check() {
	r.storing, r.unsure = true, false
	m := &checked{}
	m.work = func(ctx context.Context) error {
		intact, err := r.Layer.Intact(ctx)
		if err != nil || intact {
			return err
		}
		m.lost = true
		if !r.state.Several() {
			m.found, err = r.Layer.Restore(ctx)
		}
		return err
	}
	r.run("looking whether the subscriptions are stored", m)
}

// checked writes again what Redis has lost: it has to hold the state that the worker
// works by. After an error the next look comes in time.
func (r *registry) checked(m *checked) {
	r.storing = false
	if m.err != nil {
		r.complaint.say(r.env, "looking whether the subscriptions are stored", m.err)
	}
	if m.err != nil || !m.lost {
		r.store()
		return
	}
	missing := r.state.Missing(m.found)
	r.mirror.look(func(v *placement.View) {
		if r.state.Several() {
			missing = v.Statuses(r.Slot)
		}
		if r.state.Several() && r.Slot == 0 {
			missing = append(v.Registry(), missing...)
		}
	})
	r.Log.Warn("Redis has lost what the worker keeps there: it is written again; see that nothing flushes or evicts it",
		"subscriptions", len(missing), "of", r.state.Len())
	r.state.Again(missing, nil)
	r.write()
}

// idleChecks is how often the targets are looked at within SubscriptionIdle.
const idleChecks = 5

// lookedAt is the outcome of one Layer.Live.
type lookedAt struct {
	task
	targets []messages.Target
	asked   time.Time
	live    []bool
}

// all are the subscriptions that may be dropped.
func (r *registry) all() iter.Seq[stored.Key] {
	if !r.state.Several() {
		return r.state.Keys()
	}
	var list []stored.Key
	r.mirror.look(func(v *placement.View) {
		for s := range v.All {
			if !s.Static {
				list = append(list, stored.Key{Filter: s.Filter, Target: s.Target})
			}
		}
	})
	return slices.Values(list)
}

func (r *registry) scheduleLook() {
	if r.SubscriptionIdle > 0 && r.Slot <= 0 {
		r.after(r.SubscriptionIdle/idleChecks, &lookAgain{})
	}
}

// look asks the layer at which targets somebody listens.
func (r *registry) look() {
	m := &lookedAt{asked: time.Now(), targets: r.idle.Targets(r.all())}
	m.work = func(ctx context.Context) (err error) {
		m.live, err = r.Layer.Live(ctx, m.targets)
		return err
	}
	r.run("looking who listens", m)
}

func (r *registry) lookedAt(m *lookedAt) {
	r.scheduleLook()
	if m.err != nil {
		r.idle.Postpone(r.SubscriptionIdle / idleChecks) // nobody could be seen
		return
	}
	for _, target := range r.idle.Looked(m.targets, m.live, time.Now()) {
		r.drop(target, m.asked)
	}
}

func (r *registry) drop(target messages.Target, asked time.Time) {
	var filters []string
	for key := range r.all() {
		if key.Target == target {
			filters = append(filters, key.Filter)
		}
	}
	r.Log.Info("subscriptions dropped: nobody has listened for a while; the next subscribe brings them back",
		"target", target.String(), "filters", len(filters), "idle", r.SubscriptionIdle)
	r.router.Tell(messages.Drop{Target: target, Filters: filters, Asked: asked})
}

func (r *registry) facts() any { return r.state.Facts() }
