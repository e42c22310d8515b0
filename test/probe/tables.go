package probe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
)

// Tables are the registry and the statuses of session slots in memory, as the layer keeps
// them in Redis: one for all slots and workers of a test.
type Tables struct {
	mu      sync.Mutex
	changed *sync.Cond
	away    bool
	lag     time.Duration
	lives   int
	page    int
	tables  map[int]*table // messages.RegistryTable, or the slot
}

var _ actors.Registry = (*Tables)(nil)

// table is one of them: each entry as the change that put it, or took it out.
type table struct {
	life    string
	number  uint64
	floor   uint64 // changes up to it may be forgotten
	epoch   uint64
	filling bool // nobody sees it yet
	entries map[string]tableEntry
}

type tableEntry struct {
	messages.Change
	number uint64
	gone   bool
}

// NewTables makes empty ones.
func NewTables() *Tables {
	t := &Tables{page: 500, tables: map[int]*table{}}
	t.changed = sync.NewCond(&t.mu)
	return t
}

func (t *Tables) change(f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f()
	t.changed.Broadcast()
}

// Away makes every call fail, or ends that.
func (t *Tables) Away(away bool) { t.change(func() { t.away = away }) }

// Lag has readers see everything so much later.
func (t *Tables) Lag(d time.Duration) { t.change(func() { t.lag = d }) }

// Lose loses all tables.
func (t *Tables) Lose() { t.change(func() { clear(t.tables) }) }

// Page has a page hold so many entries at most.
func (t *Tables) Page(entries int) { t.change(func() { t.page = entries }) }

// Trim forgets what is gone, so that who does not know of it has to read all.
func (t *Tables) Trim() {
	t.change(func() {
		for _, table := range t.tables {
			for key, e := range table.entries {
				if e.gone {
					table.floor = max(table.floor, e.number)
					delete(table.entries, key)
				}
			}
		}
	})
}

func (t *Tables) fault(doing string) error {
	if t.away {
		return &messages.LayerFailure{Doing: doing, Err: ErrAway}
	}
	return nil
}

// Follow implements the port.
func (t *Tables) Follow(ctx context.Context, known []messages.Position, wait bool) ([]messages.Page, error) {
	defer context.AfterFunc(ctx, func() { t.change(func() {}) })()
	t.mu.Lock()
	defer t.mu.Unlock()
	for late := false; ; {
		if err := errors.Join(ctx.Err(), t.fault("following")); err != nil {
			return nil, err
		}
		var pages []messages.Page
		for i, at := range known {
			if table := t.tables[i-1]; table != nil && !table.filling && (at.Life != table.life || at.Number != table.number) {
				pages = append(pages, table.read(i-1, at, t.page))
			}
		}
		switch {
		case len(pages) > 0 && t.lag > 0 && !late:
			lag := t.lag
			late = true
			t.mu.Unlock()
			time.Sleep(lag)
			t.mu.Lock()
		case len(pages) > 0 || !wait:
			return pages, nil
		default:
			t.changed.Wait()
		}
	}
}

// read is the page that comes next for a reader.
func (t *table) read(number int, at messages.Position, most int) messages.Page {
	p := messages.Page{Table: number, At: at}
	if since := max(at.Since, at.Number); at.Life != t.life || since < t.floor || since > t.number {
		p.Reset, p.At = true, messages.Position{Life: t.life, Since: t.number}
	}
	var list []tableEntry
	for _, e := range t.entries {
		if e.number > p.At.Number {
			list = append(list, e)
		}
		if e.Status != nil {
			p.Status = *e.Status
		}
	}
	slices.SortFunc(list, func(a, b tableEntry) int { return cmp.Compare(a.number, b.number) })
	if p.Partial = len(list) > most; p.Partial {
		list = list[:most]
		p.At.Number = list[most-1].number
	} else {
		p.At.Number = t.number
	}
	for _, e := range list {
		e.addTo(&p)
	}
	return p
}

// addTo puts an entry into a page.
func (e tableEntry) addTo(p *messages.Page) {
	switch {
	case e.Put != nil && e.gone:
		p.Removed = append(p.Removed, messages.Stored{Filter: e.Put.Filter, Target: e.Put.Target, Number: e.number})
	case e.Put != nil:
		s := *e.Put
		s.Number = e.number
		p.Stored = append(p.Stored, s)
	case e.Leaving != "" && e.gone:
		p.Gone = append(p.Gone, e.Leaving)
	case e.Leaving != "":
		p.Leaving = append(p.Leaving, messages.Leaving{Filter: e.Leaving, Number: e.number})
	case e.Recipient != nil:
		n := *e.Recipient
		if n.Number = e.number; e.gone {
			p.RetainedComplete = append(p.RetainedComplete, n)
		} else {
			p.Recipients = append(p.Recipients, n)
		}
	case len(e.Epochs) > 0:
		p.Epochs = e.Epochs
	case e.Filter != nil && e.gone:
		p.Forgotten = append(p.Forgotten, e.Filter.Filter)
	case e.Filter != nil:
		p.Filters = append(p.Filters, *e.Filter)
	}
}

// TableWriter is the holder of a slot. It is not safe for several goroutines.
type TableWriter struct {
	tables *Tables
	slot   int
	epoch  uint64
	lives  map[int]string
	most   map[int]uint64 // the highest number that it has seen
	lost   bool
}

// Writer is a holder of a slot, with the epoch of its lease.
func (t *Tables) Writer(slot int, epoch uint64) *TableWriter {
	return &TableWriter{tables: t, slot: slot, epoch: epoch, lives: map[int]string{}, most: map[int]uint64{}}
}

// own are the tables that the slot writes.
func (w *TableWriter) own() []int {
	if w.slot == 0 {
		return []int{messages.RegistryTable, 0}
	}
	return []int{w.slot}
}

var (
	errLost     = errors.New("what was stored is lost")
	errLater    = errors.New("overtaken by a later holder of the session slot")
	errNotFirst = errors.New("only the first slot may change the registry")
)

func (w *TableWriter) do(doing string, f func() error) error {
	t := w.tables
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.fault(doing); err != nil {
		return err
	}
	if err := f(); err != nil {
		return &messages.LayerFailure{Doing: doing, Answered: true, Err: err}
	}
	t.changed.Broadcast()
	return nil
}

// Restore is what the slot begins with; of the first one the registry too.
func (w *TableWriter) Restore(context.Context) (all messages.Restored, err error) {
	err = w.do("restoring", func() error {
		w.lost = false
		for _, n := range w.own() {
			table := w.tables.tables[n]
			if table == nil || table.filling {
				table = w.newLife(n)
				table.filling = n == messages.RegistryTable
				w.lost = w.lost || table.filling
			}
			if table.epoch > w.epoch {
				return errLater
			}
			table.epoch, w.lives[n], w.most[n] = w.epoch, table.life, table.number
			p := table.read(n, messages.Position{}, len(table.entries))
			if n == messages.RegistryTable {
				all.Stored, all.Epochs, all.Number, all.Lost = p.Stored, p.Epochs, table.number, w.lost
				for _, l := range p.Leaving {
					all.Leaving = append(all.Leaving, l.Filter)
				}
				continue
			}
			for _, e := range table.entries {
				if e.Refusal != nil && !e.gone {
					all.Refusals = append(all.Refusals, *e.Refusal)
				}
			}
		}
		return nil
	})
	return all, err
}

// newLife starts another life of a table, with what is in it.
func (w *TableWriter) newLife(n int) *table {
	t := w.tables
	was := t.tables[n]
	t.lives++
	table := &table{life: fmt.Sprint("life", t.lives), number: w.most[n], entries: map[string]tableEntry{}}
	if was != nil {
		table.number = max(table.number, was.number)
	}
	table.floor = table.number
	if was != nil {
		for key, e := range was.entries {
			if !e.gone {
				table.number++
				e.number = table.number
				table.entries[key] = e
			}
		}
	}
	t.tables[n] = table
	w.lives[n] = table.life
	return table
}

// intact says whether a table is the one that this holder has written.
func (w *TableWriter) intact(n int) bool {
	table := w.tables.tables[n]
	return table != nil && table.life == w.lives[n] && table.number >= w.most[n]
}

// Intact says whether what was stored is there.
func (w *TableWriter) Intact(context.Context) (bool, error) {
	err := w.do("looking what is stored", func() error {
		for _, n := range w.own() {
			w.lost = w.lost || !w.intact(n)
		}
		return nil
	})
	return err == nil && !w.lost, err
}

// Write implements the port.
func (w *TableWriter) Write(_ context.Context, changes []messages.Change) (number uint64, err error) {
	err = w.do("storing", func() error {
		for _, n := range w.own() {
			switch table := w.tables.tables[n]; {
			case table != nil && table.epoch > w.epoch:
				return errLater
			case w.lost:
				w.newLife(n)
			case !w.intact(n):
				return errLost
			}
		}
		w.lost = false
		for _, c := range changes {
			for _, change := range parts(c) {
				n := w.slot
				if change.registry {
					n = messages.RegistryTable
				}
				if change.registry && w.slot > 0 {
					return errNotFirst
				}
				table := w.tables.tables[n]
				table.put(change)
				if w.most[n], table.epoch = table.number, w.epoch; change.registry {
					number = table.number
				}
			}
		}
		return nil
	})
	return number, err
}

// part is one entry that a change makes.
type part struct {
	key      string
	registry bool
	entry    tableEntry
}

func (t *table) put(p part) {
	had, there := t.entries[p.key]
	if p.entry.gone && (!there || had.gone) {
		return
	}
	t.number++
	p.entry.number = t.number
	t.entries[p.key] = p.entry
}

// parts are the entries that a change makes.
func parts(c messages.Change) (list []part) {
	add := func(registry, gone bool, key string, change messages.Change) {
		list = append(list, part{key, registry, tableEntry{Change: change, gone: gone}})
	}
	if c.Put != nil {
		add(true, false, fmt.Sprint("stored ", c.Put.Target, " ", c.Put.Filter), messages.Change{Put: c.Put})
	}
	if c.Remove != nil {
		add(true, true, fmt.Sprint("stored ", c.Remove.Target, " ", c.Remove.Filter), messages.Change{Put: c.Remove})
	}
	if f := cmp.Or(c.Leaving, c.Gone); f != "" {
		add(true, c.Leaving == "", "leaving "+f, messages.Change{Leaving: f})
	}
	if n := cmp.Or(c.Recipient, c.RetainedComplete); n != nil {
		add(true, c.Recipient == nil, fmt.Sprint("recipient ", n.Target, " ", n.Channel, " ", n.Filter), messages.Change{Recipient: n})
	}
	if len(c.Epochs) > 0 {
		add(true, false, "epochs", messages.Change{Epochs: c.Epochs})
	}
	if c.Status != nil {
		add(false, false, "status", messages.Change{Status: c.Status})
	}
	if c.Filter != nil {
		add(false, false, "filter "+c.Filter.Filter, messages.Change{Filter: c.Filter})
	}
	if c.Forget != "" {
		add(false, true, "filter "+c.Forget, messages.Change{Filter: &messages.FilterStatus{Filter: c.Forget}})
	}
	if c.Refusal != nil {
		add(false, false, "refused "+c.Refusal.Filter, messages.Change{Refusal: c.Refusal})
	}
	if c.Accepted != "" {
		add(false, true, "refused "+c.Accepted, messages.Change{Refusal: &messages.FilterRefusal{Filter: c.Accepted}})
	}
	return list
}
