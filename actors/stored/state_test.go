package stored_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"chanmqttproxy/actors/stored"
	"chanmqttproxy/messages"
)

func of(filter string, qos byte) *messages.Stored {
	return &messages.Stored{Filter: filter, Target: messages.Target{Name: "g"}, Options: messages.Options{QoS: qos}}
}

// text is what changes say, sorted: what comes from a map has no order.
func text(changes []messages.Change) string {
	var list []string
	for _, c := range changes {
		switch {
		case c.Put != nil:
			list = append(list, fmt.Sprintf("put %s %d", c.Put.Filter, c.Put.Options.QoS))
		case c.Remove != nil:
			list = append(list, "remove "+c.Remove.Filter)
		case c.Leaving != "":
			list = append(list, "leaving "+c.Leaving)
		case c.Gone != "":
			list = append(list, "gone "+c.Gone)
		case c.Refusal != nil:
			list = append(list, "refused "+c.Refusal.Filter)
		case c.Accepted != "":
			list = append(list, "accepted "+c.Accepted)
		case len(c.Epochs) > 0:
			list = append(list, fmt.Sprint("epochs ", len(c.Epochs)))
		}
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

// TestWrites takes changes in, and compares what is to be written, and what is held then.
func TestWrites(t *testing.T) {
	t.Parallel()
	refused := &messages.FilterRefusal{Filter: "r"}
	shared := of("s", 0)
	shared.Options.Shared = true
	for name, c := range map[string]struct {
		before  messages.Restored
		changes []messages.Change
		gone    []string
		want    string
		len     int
	}{
		"put":                {changes: []messages.Change{{Put: of("a", 1)}}, want: "put a 1", len: 1},
		"put twice":          {changes: []messages.Change{{Put: of("a", 1)}, {Put: of("a", 2)}}, want: "put a 1, put a 2", len: 1},
		"removed":            {before: messages.Restored{Stored: []messages.Stored{*of("a", 1)}}, changes: []messages.Change{{Remove: of("a", 1)}, {Leaving: "a"}}, want: "leaving a, remove a", len: 1},
		"wanted again":       {before: messages.Restored{Leaving: []string{"a"}}, changes: []messages.Change{{Put: of("a", 0)}}, want: "gone a, put a 0", len: 1},
		"wanted shared":      {before: messages.Restored{Leaving: []string{"s"}}, changes: []messages.Change{{Put: shared}}, want: "put s 0", len: 2},
		"left":               {before: messages.Restored{Leaving: []string{"a", "b"}}, gone: []string{"a", "c"}, want: "gone a", len: 1},
		"refused":            {changes: []messages.Change{{Refusal: refused}}, want: "refused r", len: 1},
		"accepted":           {before: messages.Restored{Refusals: []messages.FilterRefusal{*refused}}, changes: []messages.Change{{Accepted: "r"}}, want: "accepted r"},
		"refused, then gone": {before: messages.Restored{Refusals: []messages.FilterRefusal{*refused}}, gone: []string{"r"}, want: "accepted r"},
		"several": {
			before:  messages.Restored{Several: true},
			changes: []messages.Change{{Put: of("a", 1)}, {Refusal: refused}, {Accepted: "x"}, {Remove: of("b", 0)}}, gone: []string{"a"},
			want: "put a 1, remove b",
		},
	} {
		s := stored.New()
		s.Restore(c.before)
		s.Keep(messages.Keep{Receipt: "1", Changes: c.changes})
		s.Gone(c.gone)
		changes, receipts := s.Take()
		if got := text(changes); got != c.want || len(receipts) != 1 || s.Len() != c.len || s.Waiting() {
			t.Errorf("%s: %q, receipts %q, then %d are held", name, got, receipts, s.Len())
		}
	}
}

// TestAgain has what could not be written come before what was noted since.
func TestAgain(t *testing.T) {
	t.Parallel()
	s := stored.New()
	s.Keep(messages.Keep{Receipt: "1", Changes: []messages.Change{{Put: of("a", 0)}}})
	changes, receipts := s.Take()
	s.Keep(messages.Keep{Receipt: "2", Changes: []messages.Change{{Remove: of("a", 0)}}})
	s.Again(changes, receipts)
	changes, receipts = s.Take()
	if len(changes) != 2 || changes[0].Put == nil || changes[1].Remove == nil || fmt.Sprint(receipts) != "[1 2]" {
		t.Errorf("%+v, %v", changes, receipts)
	}
}

// TestAll has all written again that is to be stored.
func TestAll(t *testing.T) {
	t.Parallel()
	s := stored.New()
	s.Restore(messages.Restored{
		Stored: []messages.Stored{*of("a", 1), *of("b", 0)}, Leaving: []string{"c", "d"}, Refusals: []messages.FilterRefusal{{Filter: "e"}},
		Epochs: []messages.Epoch{{Number: 1, Sessions: 1}},
	})
	if got, want := text(s.All()), "epochs 1, leaving c, leaving d, put a 1, put b 0, refused e"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := text(stored.New().All()); got != "" {
		t.Errorf("of nothing: %q", got)
	}
}
