package stored_test

import (
	"fmt"
	"testing"

	"chanmqttproxy/actors/stored"
	"chanmqttproxy/messages"
)

// TestWritesTakeTurns: one thing is under way at a time, and what may have been lost is looked
// for before anything is written.
func TestWritesTakeTurns(t *testing.T) {
	t.Parallel()
	type step = func(*stored.Writes)
	keep := func(w *stored.Writes) {
		w.Keep(messages.Keep{Receipt: "r", ChangeSeq: 7, Changes: []messages.Change{{Put: of("a", 0)}}})
	}
	restore := func(w *stored.Writes) { w.Restore(messages.Restored{}) }
	doubt := (*stored.Writes).Doubt
	over := (*stored.Writes).Over
	take := func(w *stored.Writes) { w.Take() }
	wrote := func(w *stored.Writes) { w.Take(); w.Wrote() }
	fail := func(answered bool) step {
		return func(w *stored.Writes) {
			changes, receipts := w.Take()
			if w.NotWritten(changes, receipts, answered) != 1 {
				panic("not the first failure")
			}
		}
	}
	rewrite := func(w *stored.Writes) { w.Over(); w.Rewrite([]messages.Change{{Put: of("b", 0)}}) }
	const nothing, look, write = stored.Nothing, stored.Look, stored.Write
	for name, c := range map[string]struct {
		steps  []step // after each of which it is asked what is next
		want   []stored.Step
		unused bool
	}{
		"nothing to do":              {[]step{restore}, []stored.Step{nothing}, true},
		"before it is restored":      {[]step{keep, wrote, doubt}, []stored.Step{write, nothing, nothing}, false},
		"a change":                   {[]step{restore, keep, wrote}, []stored.Step{nothing, write, nothing}, false},
		"one while another is under": {[]step{restore, keep, take, keep, over}, []stored.Step{nothing, write, nothing, nothing, write}, false},
		"doubt":                      {[]step{restore, doubt, over}, []stored.Step{nothing, look, nothing}, true},
		"doubt before a change":      {[]step{restore, doubt, keep, over}, []stored.Step{nothing, look, nothing, write}, false},
		"doubt while writing":        {[]step{restore, keep, doubt, wrote}, []stored.Step{nothing, write, nothing, look}, false},
		"Redis refuses":              {[]step{restore, keep, fail(true), over, over}, []stored.Step{nothing, write, nothing, look, write}, false},
		"Redis is away":              {[]step{restore, keep, fail(false), over}, []stored.Step{nothing, write, nothing, write}, false},
		"something was lost":         {[]step{restore, doubt, rewrite, wrote}, []stored.Step{nothing, look, nothing, nothing}, true},
	} {
		w := stored.NewWrites()
		var got []stored.Step
		for _, s := range c.steps {
			s(w)
			got = append(got, w.Next())
		}
		if fmt.Sprint(got) != fmt.Sprint(c.want) || w.Unused() != c.unused {
			t.Errorf("%s: %v, unused %t, want %v", name, got, w.Unused(), c.want)
		}
	}
}

// TestWritesCount: failures in a row count until something goes well, and ChangeSeq rises.
func TestWritesCount(t *testing.T) {
	t.Parallel()
	w := stored.NewWrites()
	w.Keep(messages.Keep{ChangeSeq: 3})
	w.Keep(messages.Keep{ChangeSeq: 2})
	if w.ChangeSeq() != 3 {
		t.Errorf("ChangeSeq %d", w.ChangeSeq())
	}
	w.Failed()
	if n := w.Failed(); n != 2 {
		t.Errorf("%d failures", n)
	}
	w.Restore(messages.Restored{})
	if n := w.Failed(); n != 1 {
		t.Errorf("restored, and %d failures", n)
	}
	w.Wrote()
	if n := w.Failed(); n != 1 {
		t.Errorf("written, and %d failures", n)
	}
}
