package actors

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"chanmqttproxy/actors/placement"
	"chanmqttproxy/messages"
)

// mirror is what the process knows of the registry and of the statuses of the session
// slots. There is one, whatever number of slots run here; it reads while one of several
// does, and tells their routers what has changed.
type mirror struct {
	registry Registry
	log      *slog.Logger
	backoff  Backoff

	mu    sync.RWMutex // held while the view is read or changed
	view  placement.View
	slots map[int]*follower // of those that are told
	least int               // so many statuses are read at least
	syncs int               // that want their turn

	turn    sync.Mutex // held while tables are read
	waiting context.CancelFunc
	stop    context.CancelFunc
	up      bool
	down    bool
}

// follower is a slot that is told.
type follower struct {
	slot     int
	bridge   Ref[messages.ToBridge]
	router   Ref[messages.ToRouter]
	registry Ref[messages.ToRegistry]
}

// viewChanged says what has changed in the view. The mirror tells routers.
type viewChanged struct{ placement.Changed }

func newMirror(o Options) *mirror {
	return &mirror{registry: o.Registry, log: o.Log, backoff: o.Backoff.Redis(), slots: map[int]*follower{}}
}

// look does something with the view, which does not change meanwhile.
func (m *mirror) look(f func(*placement.View)) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	f(&m.view)
}

// join sends a slot the changes from now on.
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

// leave ends that. With the last slot the reading ends.
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

// follow reads what changes.
func (m *mirror) follow(ctx context.Context) {
	failed := 0
	for ctx.Err() == nil {
		waiting, cancel := context.WithCancel(ctx)
		m.mu.Lock()
		m.waiting = cancel
		wait := m.syncs == 0
		m.mu.Unlock()
		err := m.read(waiting, wait)
		poked := waiting.Err() != nil
		cancel()
		if err != nil && !poked {
			failed++
			m.tell(false, err)
			select {
			case <-ctx.Done():
			case <-time.After(m.backoff.Delay(failed)):
			}
			continue
		}
		failed = 0
		m.tell(true, nil)
	}
}

// poke ends the waiting for a change: there may be one.
func (m *mirror) poke() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.waiting != nil {
		m.waiting()
	}
}

// sync reads all that is there at this moment, for so many slots.
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
	m.poke()
	return m.read(ctx, false)
}

func (m *mirror) read(ctx context.Context, wait bool) error {
	m.turn.Lock()
	defer m.turn.Unlock()
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

// tell has the slots know whether Redis is there.
func (m *mirror) tell(up bool, err error) {
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
		if f.slot > 0 { // the first has a reader, which knows
			f.bridge.Tell(messages.LayerState{Up: up})
			f.registry.Tell(messages.LayerState{Up: up})
		}
	}
}
