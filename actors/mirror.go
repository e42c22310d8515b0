package actors

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"chanmqttproxy/actors/placement"
	"chanmqttproxy/messages"
)

// mirror is the process's copy of the registry and of the statuses of the session slots.
// There is one for all slots of the process. It follows the tables while a slot runs that is
// one of several, and tells the routers what has changed.
type mirror struct {
	registry Registry
	log      *slog.Logger
	backoff  Backoff

	mu    sync.RWMutex // for the view and what follows it
	view  placement.View
	slots map[int]*follower // that get the changes
	least int               // at least that many statuses are read
	syncs int               // that wait to read the tables

	reading sync.Mutex // held while the tables are read
	waiting context.CancelFunc
	stop    context.CancelFunc
	up      bool
	down    bool
}

// follower is a slot that gets the changes.
type follower struct {
	slot   int
	bridge Ref[messages.ToBridge]
	router Ref[messages.ToRouter]
	store  Ref[messages.ToStore]
}

// viewChanged says what has changed in the view. The mirror tells the routers.
type viewChanged struct{ placement.Changed }

func newMirror(o Options) *mirror {
	return &mirror{registry: o.Registry, log: o.Log, backoff: o.Backoff.Redis(), slots: map[int]*follower{}}
}

// read calls f with the view, which does not change meanwhile.
func (m *mirror) read(f func(*placement.View)) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	f(&m.view)
}

// join lets a slot get the changes from now on.
func (m *mirror) join(f *follower) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.slots[f.slot] = f
	if m.stop == nil {
		m.start()
	}
}

func (m *mirror) start() {
	ctx, stop := context.WithCancel(context.Background())
	m.stop = stop
	go m.follow(ctx)
}

// leave ends that. The mirror stops with the last slot.
func (m *mirror) leave(f *follower) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.slots[f.slot] != f {
		return
	}
	delete(m.slots, f.slot)
	if len(m.slots) == 0 && m.stop != nil {
		m.stop()
		m.stop = nil
	}
}

// follow reads the changes of the tables until ctx ends.
func (m *mirror) follow(ctx context.Context) {
	failed := 0
	for ctx.Err() == nil {
		waiting, cancel := context.WithCancel(ctx)
		m.mu.Lock()
		m.waiting = cancel
		wait := m.syncs == 0
		m.mu.Unlock()
		err := m.readPages(waiting, wait)
		woken := waiting.Err() != nil
		cancel()
		if err != nil && !woken {
			failed++
			m.reportState(false, err)
			select {
			case <-ctx.Done():
			case <-time.After(m.backoff.Delay(failed)):
			}
			continue
		}
		failed = 0
		m.reportState(true, nil)
	}
}

// wake makes follow read at once, instead of waiting for a change.
func (m *mirror) wake() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.waiting != nil {
		m.waiting()
	}
}

// sync reads everything that is in the tables now, of at least that many slots.
func (m *mirror) sync(ctx context.Context, slots int) error {
	m.mu.Lock()
	m.least = max(m.least, slots)
	m.syncs++
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.syncs--
	}()
	m.wake()
	return m.readPages(ctx, false)
}

func (m *mirror) readPages(ctx context.Context, wait bool) error {
	m.reading.Lock()
	defer m.reading.Unlock()
	m.mu.RLock()
	known := m.view.Known(max(m.least, m.view.Slots()))
	m.mu.RUnlock()
	pages, err := m.registry.Follow(ctx, known, wait)
	if len(pages) == 0 {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var changed placement.Changed
	for _, p := range pages {
		changed.Add(m.view.Apply(p, arrival(time.Now())))
	}
	for _, f := range m.slots {
		f.router.root.Send(f.router.pid, viewChanged{changed})
	}
	return err
}

// reportState tells the slots whether Redis answers.
func (m *mirror) reportState(up bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if up && m.up || !up && m.down {
		return
	}
	m.up, m.down = up, !up
	if !up {
		m.log.Warn("cannot read the subscriptions in Redis; trying again until it answers", "error", err)
	}
	for _, f := range m.slots {
		if f.slot > 0 { // the first slot reads commands, and so knows
			f.bridge.Tell(messages.LayerState{Up: up})
			f.store.Tell(messages.LayerState{Up: up})
		}
	}
}
