package conform

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
)

// TableWriter is the holder of a session slot as the tables know it.
type TableWriter interface {
	actors.Writer
	Restore(ctx context.Context) (messages.Restored, error)
	Intact(ctx context.Context) (bool, error)
}

// Tables are the registry and the statuses of one test's own.
type Tables struct {
	// Writer is a holder of a slot, with the epoch of its lease.
	Writer func(slot int, epoch uint64) TableWriter
	// Follower is one who reads.
	Follower func() actors.Registry
	// Lose loses all of the tables, or a part of them.
	Lose func()
}

// TablesSuite runs the suite of the tables by which session slots agree.
func TablesSuite(t *testing.T, open func(t *testing.T) Tables) {
	for name, test := range map[string]func(*testing.T, Tables){
		"entries": tablesEntries,
		"random":  tablesRandom,
		"fenced":  tablesFenced,
		"wait":    tablesWait,
		"lost":    tablesLost,
		"heir":    tablesHeir,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

// tablesTime bounds a test.
func tablesTime(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func opened(t *testing.T, w TableWriter) messages.Restored {
	t.Helper()
	all, err := w.Restore(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func wrote(t *testing.T, w TableWriter, changes ...messages.Change) uint64 {
	t.Helper()
	number, err := w.Write(t.Context(), changes)
	if err != nil {
		t.Fatal(err)
	}
	return number
}

// mirror is what a reader knows.
type mirror struct {
	of       actors.Registry
	known    []messages.Position
	registry map[string]any
	statuses []map[string]any
	anew     map[int]map[string]any // those that are being read from the start
	pages    int
}

func newMirror(of actors.Registry, slots int) *mirror {
	m := &mirror{of: of, known: make([]messages.Position, 1+slots), registry: map[string]any{}, anew: map[int]map[string]any{}}
	for range slots {
		m.statuses = append(m.statuses, map[string]any{})
	}
	return m
}

func (m *mirror) follow(ctx context.Context, wait bool) error {
	pages, err := m.of.Follow(ctx, m.known, wait)
	for _, p := range pages {
		m.take(p)
	}
	return err
}

func (m *mirror) take(p messages.Page) {
	m.pages++
	at := &m.registry
	if p.Table >= 0 {
		at = &m.statuses[p.Table]
	}
	if m.known[1+p.Table] = p.At; p.Reset {
		m.anew[p.Table] = map[string]any{}
	}
	into := *at
	if anew, ok := m.anew[p.Table]; ok {
		into = anew
	}
	merge(into, p)
	if anew, ok := m.anew[p.Table]; ok && !p.Partial {
		*at = anew
		delete(m.anew, p.Table)
	}
}

// merge puts a page into a map, without numbers, since a reader gets each entry
// only as it was last.
func merge(into map[string]any, p messages.Page) {
	for _, s := range p.Stored {
		s.Number = 0
		into[fmt.Sprint("stored ", s.Target, " ", s.Filter)] = s
	}
	for _, s := range p.Removed {
		delete(into, fmt.Sprint("stored ", s.Target, " ", s.Filter))
	}
	for _, l := range p.Leaving {
		into["leaving "+l.Filter] = true
	}
	for _, f := range p.Gone {
		delete(into, "leaving "+f)
	}
	for _, n := range p.Recipients {
		n.Number = 0
		into[fmt.Sprint("recipient ", n)] = true
	}
	for _, n := range p.RetainedComplete {
		n.Number = 0
		delete(into, fmt.Sprint("recipient ", n))
	}
	if len(p.Epochs) > 0 {
		into["epochs"] = p.Epochs
	}
	if p.Table >= 0 && p.Status != (messages.SlotStatus{}) {
		into["status"] = p.Status
	}
	for _, f := range p.Filters {
		into["filter "+f.Filter] = f
	}
	for _, f := range p.Forgotten {
		delete(into, "filter "+f)
	}
}

// until follows until the mirror is as it is to be.
func (m *mirror) until(ctx context.Context, t *testing.T, what string, registry map[string]any, statuses ...map[string]any) {
	t.Helper()
	for !reflect.DeepEqual(m.registry, registry) || !reflect.DeepEqual(m.statuses, statuses) {
		if err := m.follow(ctx, true); err != nil {
			t.Fatalf("%s: %v; it knows\n%.3000v and %.3000v, want\n%.3000v and %.3000v", what, err, m.registry, m.statuses, registry, statuses)
		}
	}
}

// tablesEntries writes one of each kind and reads them, as holder and as reader.
func tablesEntries(t *testing.T, tables Tables) {
	ctx := tablesTime(t)
	first, second := tables.Writer(0, 1), tables.Writer(1, 1)
	if all := opened(t, first); len(all.Stored)+len(all.Leaving)+len(all.Refusals)+len(all.Epochs) > 0 {
		t.Errorf("at first there is %+v", all)
	}
	opened(t, second)
	target := messages.Target{Kind: messages.Channel, Name: "specific.a!1"}
	stored := messages.Stored{Filter: `a/"ä"/#`, Target: target, Static: true, Unasked: true, Since: 7, Ending: true, Options: messages.Options{
		QoS: 2, NoLocal: true, Payload: messages.PayloadBytes, Overflow: messages.OverflowLatest, Batch: 7, MinInterval: 1500 * time.Millisecond, Shared: true,
	}}
	recipient := messages.Recipient{Filter: "a/#", Target: messages.Target{Kind: messages.Group, Name: "g"}}
	epochs := []messages.Epoch{{Number: 3, Sessions: 2}, {Number: 4, Sessions: 5}}
	granted := messages.FilterStatus{Filter: "a", Number: 12, Granted: true, QoS: 1}
	refused := messages.FilterStatus{
		Filter: "b", Number: 13, Refusal: messages.FilterRefusal{Filter: "b", Kind: "forbidden", Code: 0x87}, Reason: "no", Left: 4,
	}
	status := messages.SlotStatus{Epoch: 4, Left: 3, Change: 1 << 40, Ended: 5}
	number := wrote(t, first, messages.Change{Put: &stored}, messages.Change{Leaving: "$share//x"}, messages.Change{Recipient: &recipient},
		messages.Change{Epochs: epochs}, messages.Change{Refusal: &refused.Refusal}, messages.Change{Session: "one"})
	if again := wrote(t, first, messages.Change{Put: &stored}); again <= number {
		t.Errorf("the number was %d, and is %d", number, again)
	}
	if none := wrote(t, second, messages.Change{Status: &status}, messages.Change{Filter: &granted}, messages.Change{Filter: &refused}); none != 0 {
		t.Errorf("of a status alone the number is %d", none)
	}
	if _, err := second.Write(ctx, []messages.Change{{Put: &stored}}); err == nil {
		t.Error("the second slot changed the registry")
	}
	registry := map[string]any{"leaving $share//x": true, "epochs": epochs}
	registry[fmt.Sprint("recipient ", recipient)] = true
	registry[fmt.Sprint("stored ", target, " ", stored.Filter)] = stored
	m := newMirror(tables.Follower(), 2)
	m.until(ctx, t, "at first", registry, map[string]any{}, map[string]any{"status": status, "filter a": granted, "filter b": refused})
	if err := m.follow(ctx, false); err != nil {
		t.Error(err)
	}

	wrote(t, first, messages.Change{Remove: &stored, Gone: "$share//x"}, messages.Change{RetainedComplete: &recipient}, messages.Change{Gone: "never"})
	wrote(t, second, messages.Change{Forget: "a"})
	m.until(ctx, t, "gone", map[string]any{"epochs": epochs}, map[string]any{}, map[string]any{"status": status, "filter b": refused})

	// The next holder has what it needs.
	wrote(t, first, messages.Change{Put: &stored, Leaving: "l"})
	all := opened(t, tables.Writer(0, 2))
	if len(all.Stored) != 1 || all.Stored[0].Number == 0 {
		t.Fatalf("restored %+v", all)
	}
	all.Stored[0].Number = 0
	want := messages.Restored{Stored: []messages.Stored{stored}, Leaving: []string{"l"}, Refusals: []messages.FilterRefusal{refused.Refusal}, Epochs: epochs, Number: all.Number}
	if !reflect.DeepEqual(all, want) {
		t.Errorf("restored %+v, want %+v", all, want)
	}
}

// tablesRandom writes at random and loses, and looks whether a reader who comes and goes ends
// with the same.
func tablesRandom(t *testing.T, tables Tables) {
	ctx := tablesTime(t)
	random := rand.New(rand.NewPCG(3, 4))
	first := tables.Writer(0, 1)
	epoch := uint64(1)
	opened(t, first)
	registry := map[string]any{}
	m := newMirror(tables.Follower(), 1)
	target := messages.Target{Kind: messages.Group, Name: "g"}
	key := func(filter string) string { return fmt.Sprint("stored ", target, " ", filter) }
	numbers := uint64(0)
	for round := range 40 {
		var changes []messages.Change
		for range random.IntN(3) * random.IntN(150) {
			s := messages.Stored{Filter: fmt.Sprint("f", random.IntN(700)), Target: target, Options: messages.Options{Batch: uint16(round)}}
			if _, there := registry[key(s.Filter)]; there && random.IntN(2) == 0 {
				changes = append(changes, messages.Change{Remove: &s})
				delete(registry, key(s.Filter))
			} else {
				changes = append(changes, messages.Change{Put: &s})
				registry[key(s.Filter)] = s
			}
		}
		switch random.IntN(12) {
		case 0:
			tables.Lose()
			_, _ = first.Write(ctx, []messages.Change{{Leaving: "x"}, {Gone: "x"}}) // which tells
			rewrite(t, first, registry, nil)
		case 1:
			epoch++
			first = tables.Writer(0, epoch)
			restoredAs(t, opened(t, first), registry, changes)
		}
		number, err := first.Write(ctx, changes)
		if err != nil {
			number = rewrite(t, first, registry, err)
		}
		if len(changes) > 0 && number < numbers {
			t.Fatalf("round %d: the number was %d and is %d", round, numbers, number)
		}
		numbers = max(numbers, number)
		if random.IntN(4) == 0 {
			m.until(ctx, t, fmt.Sprint("round ", round), registry, map[string]any{})
		} else if random.IntN(2) == 0 {
			if err := m.follow(ctx, false); err != nil {
				t.Fatal(err)
			}
		}
	}
	m.until(ctx, t, "at the end", registry, map[string]any{})
}

// restoredAs compares what a holder begins with, before it makes changes.
func restoredAs(t *testing.T, all messages.Restored, registry map[string]any, but []messages.Change) {
	t.Helper()
	got := map[string]any{}
	merge(got, messages.Page{Stored: all.Stored})
	want := maps.Clone(registry)
	for _, c := range but {
		for _, s := range []*messages.Stored{c.Put, c.Remove} {
			if s != nil {
				delete(got, fmt.Sprint("stored ", s.Target, " ", s.Filter))
				delete(want, fmt.Sprint("stored ", s.Target, " ", s.Filter))
			}
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("restored %.2000v, want %.2000v", got, want)
	}
}

// rewrite writes all again after a loss.
func rewrite(t *testing.T, w TableWriter, registry map[string]any, err error) uint64 {
	t.Helper()
	if err != nil && !strings.Contains(err.Error(), "lost") {
		t.Fatal(err)
	}
	if intact, err := w.Intact(t.Context()); intact || err != nil {
		t.Fatalf("what is lost is intact: %v, %v", intact, err)
	}
	var changes []messages.Change
	for _, v := range registry {
		s := v.(messages.Stored)
		changes = append(changes, messages.Change{Put: &s})
	}
	// What was removed at the time of the loss, and is there still.
	for i := range 700 {
		s := messages.Stored{Filter: fmt.Sprint("f", i), Target: messages.Target{Kind: messages.Group, Name: "g"}}
		if _, there := registry[fmt.Sprint("stored ", s.Target, " ", s.Filter)]; !there {
			changes = append(changes, messages.Change{Remove: &s})
		}
	}
	return wrote(t, w, changes...)
}

// tablesFenced checks that an earlier holder changes nothing.
func tablesFenced(t *testing.T, tables Tables) {
	ctx := tablesTime(t)
	before, after := tables.Writer(0, 5), tables.Writer(0, 6)
	opened(t, before)
	stored := messages.Stored{Filter: "a", Target: messages.Target{Name: "g"}}
	wrote(t, before, messages.Change{Put: &stored})
	if all := opened(t, after); len(all.Stored) != 1 {
		t.Errorf("restored %+v", all)
	}
	other := messages.Stored{Filter: "b", Target: messages.Target{Name: "g"}}
	if _, err := before.Write(ctx, []messages.Change{{Put: &other}}); err == nil {
		t.Error("the earlier holder has written")
	}
	tables.Lose()
	if intact, err := after.Intact(ctx); intact || err != nil {
		t.Fatalf("intact %v, %v", intact, err)
	}
	wrote(t, after, messages.Change{Put: &stored})
	if _, err := before.Write(ctx, []messages.Change{{Put: &other}}); err == nil {
		t.Error("the earlier holder has written after a loss")
	}
	m := newMirror(tables.Follower(), 0)
	m.until(ctx, t, "at the end", map[string]any{fmt.Sprint("stored ", stored.Target, " a"): stored})
}

// tablesWait has a reader wait for a change, and looks that it is told soon, of that alone.
func tablesWait(t *testing.T, tables Tables) {
	ctx := tablesTime(t)
	w := tables.Writer(0, 1)
	opened(t, w)
	m := newMirror(tables.Follower(), 1)
	registry := map[string]any{}
	stored := func(n int) messages.Change {
		s := messages.Stored{Filter: fmt.Sprint(n), Target: messages.Target{Name: "g"}}
		registry[fmt.Sprint("stored ", s.Target, " ", s.Filter)] = s
		return messages.Change{Put: &s}
	}
	var changes []messages.Change
	for n := range 1200 {
		changes = append(changes, stored(n))
	}
	wrote(t, w, changes...)
	m.until(ctx, t, "at first", registry, map[string]any{})
	waiting, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	if err := m.follow(waiting, true); err == nil {
		t.Error("it did not wait")
	}
	pages := m.pages
	slow := 0 // a busy machine may be so now and then; whoever looks by the clock alone is so always
	for n := range 20 {
		change := stored(2000 + n)
		time.AfterFunc(20*time.Millisecond, func() { _, _ = w.Write(ctx, []messages.Change{change}) })
		began := time.Now()
		m.until(ctx, t, "a change", registry, map[string]any{})
		if time.Since(began) > 3*time.Second {
			slow++
		}
	}
	if slow > 10 {
		t.Errorf("%d of 20 changes were seen only after 3 seconds", slow)
	}
	if more := m.pages - pages; more > 20 {
		t.Errorf("of 20 changes it was told in %d pages", more)
	}
}

// tablesLost looks that a reader sees nothing between the loss and the moment when all is
// written again.
func tablesLost(t *testing.T, tables Tables) {
	ctx := tablesTime(t)
	w, other := tables.Writer(0, 1), tables.Writer(1, 1)
	opened(t, w)
	opened(t, other)
	stored := messages.Stored{Filter: "a", Target: messages.Target{Name: "g"}}
	wrote(t, w, messages.Change{Put: &stored}, messages.Change{Filter: &messages.FilterStatus{Filter: "a", Granted: true}})
	wrote(t, other, messages.Change{Status: &messages.SlotStatus{Epoch: 1}})
	m := newMirror(tables.Follower(), 2)
	registry := map[string]any{fmt.Sprint("stored ", stored.Target, " a"): stored}
	own := map[string]any{"filter a": messages.FilterStatus{Filter: "a", Granted: true}}
	status := map[string]any{"status": messages.SlotStatus{Epoch: 1}}
	m.until(ctx, t, "at first", registry, own, status)
	tables.Lose()
	for range 3 {
		if err := m.follow(ctx, false); err != nil {
			t.Fatal(err)
		}
	}
	m.until(ctx, t, "lost", registry, own, status)
	for _, w := range []TableWriter{w, other} {
		if _, err := w.Write(ctx, []messages.Change{{Status: &messages.SlotStatus{Epoch: 2}}}); err == nil {
			t.Fatal("it was written in spite of the loss")
		}
		if intact, err := w.Intact(ctx); intact || err != nil {
			t.Fatalf("intact %v, %v", intact, err)
		}
	}
	wrote(t, w, messages.Change{Put: &stored})
	wrote(t, other, messages.Change{Status: &messages.SlotStatus{Epoch: 2}})
	m.until(ctx, t, "written again", registry, map[string]any{}, map[string]any{"status": messages.SlotStatus{Epoch: 2}})
	for _, w := range []TableWriter{w, other} {
		if intact, err := w.Intact(ctx); !intact || err != nil {
			t.Errorf("written again it is intact: %v, %v", intact, err)
		}
	}
}

// tablesHeir looks that a reader sees nothing either where the first slot changes hands before
// its holder has noticed the loss: not before the next one has written what it knows.
func tablesHeir(t *testing.T, tables Tables) {
	ctx := tablesTime(t)
	w := tables.Writer(0, 1)
	if all := opened(t, w); !all.Lost {
		t.Error("there is a registry before one was written")
	}
	stored := messages.Stored{Filter: "a", Target: messages.Target{Name: "g"}}
	epochs := messages.Change{Epochs: []messages.Epoch{{Number: 1, Sessions: 2}}}
	wrote(t, w, messages.Change{Put: &stored}, epochs)
	m := newMirror(tables.Follower(), 1)
	registry := map[string]any{fmt.Sprint("stored ", stored.Target, " a"): stored, "epochs": epochs.Epochs}
	m.until(ctx, t, "at first", registry, map[string]any{})
	for epoch := range uint64(3) { // the second of them takes the slot from one who had not got far
		if epoch < 2 {
			tables.Lose()
		}
		w = tables.Writer(0, 2+epoch)
		if all := opened(t, w); !all.Lost || len(all.Stored) > 0 {
			t.Fatalf("after a loss it is restored: %+v", all)
		}
		for range 3 {
			if err := m.follow(ctx, false); err != nil {
				t.Fatal(err)
			}
		}
		m.until(ctx, t, "lost", registry, map[string]any{})
	}
	wrote(t, w, messages.Change{Put: &stored}, epochs)
	seen := m.pages
	for m.pages == seen {
		if err := m.follow(ctx, true); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(m.registry, registry) {
			t.Fatalf("a reader sees %v", m.registry)
		}
	}
	if all := opened(t, tables.Writer(0, 9)); all.Lost || len(all.Stored) != 1 {
		t.Errorf("written again it is restored: %+v", all)
	}
}
