package actors

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/actors/placement"
	"chanmqttproxy/messages"
)

// The registry keeps the subscriptions in Redis: it restores them at the start,
// stores each change before the command that made it is done, writes again what
// Redis has lost of them, and has those dropped whose targets nobody has listened
// at for a while.

// idleChecks is how often the targets are looked at within SubscriptionIdle.
const idleChecks = 5

// checkEvery is how often it is looked whether Redis has lost something; it is looked
// too when Redis was away.
const checkEvery = 10 * time.Second

// checked is the outcome of one such look: what Redis holds, where it has lost something.
type checked struct {
	task
	lost  bool
	found messages.Restored
}

// restored is the outcome of Layer.Restore.
type restored struct {
	task
	messages.Restored
}

// storedNow is the outcome of one Layer.Write.
type storedNow struct {
	task
	changes  []messages.Change
	receipts []messages.Receipt
	serial   uint64
	number   uint64
}

// lookedAt is the outcome of one Layer.Live.
type lookedAt struct {
	task
	targets []messages.Target
	asked   time.Time
	live    []bool
}

// Private reminders.
type (
	restoreAgain struct{ stamp }
	storeAgain   struct{ stamp }
	checkAgain   struct{ stamp }
	lookAgain    struct{ stamp }
)

// storedKey identifies what is stored.
type storedKey struct {
	filter string
	target messages.Target
}

type registry struct {
	*dependencies
	incarnation

	known    bool             // what was stored has been read
	several  bool             // there are several slots: what is stored is in the mirror
	epochs   []messages.Epoch // that are stored, where there is one slot
	stored   map[storedKey]messages.Options
	leaving  map[string]bool
	refused  map[string]messages.FilterRefusal
	lastLive map[messages.Target]time.Time

	changes  []messages.Change
	receipts []messages.Receipt // of the commands that made them
	serial   uint64             // see messages.Keep
	storing  bool               // or looking what is stored
	attempts int
	unsure   bool // something may have been lost

	complaint complaint
}

func newRegistry(deps *dependencies) *actor.Props {
	return propsOf(deps, func() actor.Actor {
		return &registry{
			dependencies: deps,
			stored:       map[storedKey]messages.Options{}, leaving: map[string]bool{},
			refused: map[string]messages.FilterRefusal{}, lastLive: map[messages.Target]time.Time{},
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
		r.mirror.leave(r.dependencies)
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
	r.mirror.join(r.dependencies)
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
		r.complaint.say(r.dependencies, "restoring subscriptions", m.err)
		r.retry(r.attempts, &restoreAgain{})
		return
	}
	r.attempts, r.known, r.several, r.epochs = 0, true, m.Several, m.Epochs
	r.health.several.Store(m.Several)
	if r.several && r.Slot > 0 {
		r.bridge.Tell(messages.LayerState{Up: true})
	}
	for _, s := range m.Stored {
		r.stored[storedKey{s.Filter, s.Target}] = s.Options
		r.lastLive[s.Target] = time.Now()
	}
	for _, f := range m.Leaving {
		r.leaving[f] = true
	}
	for _, f := range m.Refused {
		r.refused[f.Filter] = f
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
		r.note(c)
	}
	if m.Receipt != "" {
		r.receipts = append(r.receipts, m.Receipt)
	}
	r.serial = max(r.serial, m.Serial)
	r.store()
}

func (r *registry) note(c messages.Change) {
	switch {
	case r.several:
		if c.Put != nil {
			r.lastLive[c.Put.Target] = time.Now()
		}
		if c.Refusal != nil || c.Accepted != "" { // the status of the filter says so
			return
		}
	case c.Put != nil:
		r.stored[storedKey{c.Put.Filter, c.Put.Target}] = c.Put.Options
		r.lastLive[c.Put.Target] = time.Now()
		r.notLeaving(placement.Wire(c.Put.Filter, c.Put.Options))
	case c.Remove != nil:
		delete(r.stored, storedKey{c.Remove.Filter, c.Remove.Target})
	case c.Leaving != "":
		r.leaving[c.Leaving] = true
	case c.Refusal != nil:
		r.refused[c.Refusal.Filter] = *c.Refusal
	case c.Accepted != "":
		delete(r.refused, c.Accepted)
	}
	r.changes = append(r.changes, c)
}

func (r *registry) gone(m messages.FilterGone) {
	if r.several {
		return
	}
	for _, f := range m.Filters {
		r.notLeaving(f)
		if _, ok := r.refused[f]; ok {
			r.note(messages.Change{Accepted: f})
		}
	}
	r.store()
}

func (r *registry) notLeaving(filter string) {
	if r.leaving[filter] {
		delete(r.leaving, filter)
		r.changes = append(r.changes, messages.Change{Gone: filter})
	}
}

// store writes the changes that wait, one write at a time, but looks first where
// something may have been lost.
func (r *registry) store() {
	defer r.noteUnused()
	switch {
	case r.storing:
	case r.unsure && r.known:
		r.check()
	case len(r.changes)+len(r.receipts) > 0:
		r.write()
	}
}

// noteUnused notes whether nothing is stored, or to be stored.
func (r *registry) noteUnused() {
	r.health.unused.Store(r.known && !r.storing && len(r.stored)+len(r.leaving)+len(r.refused)+len(r.changes)+len(r.receipts) == 0)
}

// write writes the changes that wait, with what else is kept in Redis.
func (r *registry) write() {
	r.storing = true
	m := &storedNow{changes: r.changes, receipts: r.receipts, serial: r.serial}
	r.changes, r.receipts = nil, nil
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
		r.changes = append(m.changes, r.changes...)
		r.receipts = append(m.receipts, r.receipts...)
		var f *messages.LayerFailure
		r.unsure = r.unsure || errors.As(m.err, &f) && f.Answered // it may have lost something
		r.complaint.say(r.dependencies, "storing subscriptions", m.err)
		r.retry(r.attempts, &storeAgain{})
		return
	}
	r.attempts, r.storing = 0, false
	if len(m.receipts) > 0 {
		r.reader.Tell(messages.Done{Receipts: m.receipts})
	}
	if r.several {
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
		if !r.several {
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
		r.complaint.say(r.dependencies, "looking whether the subscriptions are stored", m.err)
	}
	if m.err != nil || !m.lost {
		r.store()
		return
	}
	missing := repair(r.holding(), m.found)
	if len(m.found.Epochs) == 0 && len(r.epochs) > 0 {
		missing = append(missing, messages.Change{Epochs: r.epochs})
	}
	r.mirror.look(func(v *placement.View) {
		if r.several {
			missing = v.Statuses(r.Slot)
		}
		if r.several && r.Slot == 0 {
			missing = append(v.Registry(), missing...)
		}
	})
	r.Log.Warn("Redis has lost what the worker keeps there: it is written again; see that nothing flushes or evicts it",
		"subscriptions", len(missing), "of", len(r.stored)+len(r.leaving)+len(r.refused))
	r.changes = append(missing, r.changes...)
	r.write()
}

// holding is what Redis is to hold.
func (r *registry) holding() (h messages.Restored) {
	for key, o := range r.stored {
		h.Stored = append(h.Stored, messages.Stored{Filter: key.filter, Target: key.target, Options: o})
	}
	h.Leaving = slices.Collect(maps.Keys(r.leaving))
	h.Refused = slices.Collect(maps.Values(r.refused))
	return h
}

// all is for range: all subscriptions that may be dropped.
func (r *registry) all(yield func(storedKey) bool) {
	if !r.several {
		maps.Keys(r.stored)(yield)
		return
	}
	var list []storedKey
	r.mirror.look(func(v *placement.View) {
		for s := range v.All {
			if !s.Static {
				list = append(list, storedKey{s.Filter, s.Target})
			}
		}
	})
	slices.Values(list)(yield)
}

func (r *registry) scheduleLook() {
	if r.SubscriptionIdle > 0 && r.Slot <= 0 {
		r.after(r.SubscriptionIdle/idleChecks, &lookAgain{})
	}
}

// look asks the layer at which targets somebody listens.
func (r *registry) look() {
	targets := map[messages.Target]bool{}
	m := &lookedAt{asked: time.Now()}
	for key := range r.all {
		if !targets[key.target] && key.target.Kind != messages.Stream { // what is for a stream waits in it
			targets[key.target] = true
			m.targets = append(m.targets, key.target)
		}
	}
	maps.DeleteFunc(r.lastLive, func(t messages.Target, _ time.Time) bool { return !targets[t] })
	m.work = func(ctx context.Context) (err error) {
		m.live, err = r.Layer.Live(ctx, m.targets)
		return err
	}
	r.run("looking who listens", m)
}

func (r *registry) lookedAt(m *lookedAt) {
	r.scheduleLook()
	if m.err != nil {
		r.postpone() // nobody could be seen
		return
	}
	now := time.Now()
	for i, target := range m.targets {
		last, known := r.lastLive[target]
		switch {
		case m.live[i] || !known:
			r.lastLive[target] = now
		case now.Sub(last) >= r.SubscriptionIdle:
			r.drop(target, m.asked)
		}
	}
}

func (r *registry) drop(target messages.Target, asked time.Time) {
	delete(r.lastLive, target)
	var filters []string
	for key := range r.all {
		if key.target == target {
			filters = append(filters, key.filter)
		}
	}
	r.Log.Info("subscriptions dropped: nobody has listened for a while; the next subscribe brings them back",
		"target", target.String(), "filters", len(filters), "idle", r.SubscriptionIdle)
	r.router.Tell(messages.Drop{Target: target, Filters: filters, Asked: asked})
}

// postpone gives every target the time again in which nothing could be known.
func (r *registry) postpone() {
	for target, last := range r.lastLive {
		r.lastLive[target] = last.Add(r.SubscriptionIdle / idleChecks)
	}
}

func (r *registry) facts() any {
	return messages.RegistryFacts{Stored: len(r.stored), Leaving: len(r.leaving), Unwritten: len(r.changes)}
}
