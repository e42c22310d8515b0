package outbox_test

import (
	"slices"
	"testing"
	"time"

	"chanmqttproxy/actors/outbox"
	"chanmqttproxy/messages"
)

func filled(receipts ...messages.Receipt) *outbox.Outbox {
	o := outbox.New()
	for _, r := range receipts {
		o.Add(messages.Publish{Receipt: r})
	}
	return o
}

// resent are the receipts of what is sent on a new connection, and that of the poison.
func resent(o *outbox.Outbox) (all []messages.Receipt, poison messages.Receipt) {
	list, p := o.Resend()
	for _, m := range list {
		all = append(all, m.Receipt)
	}
	if p != nil {
		poison = p.Receipt
	}
	return all, poison
}

func TestOrder(t *testing.T) {
	t.Parallel()
	o := filled("a", "b", "c")
	if _, again, ok := o.Remove("b"); again || !ok {
		t.Error("b is not there, or others wait for it")
	}
	if _, _, ok := o.Remove("b"); ok || o.Has("b") || o.Len() != 2 {
		t.Error("b is still there")
	}
	if all, poison := resent(o); !slices.Equal(all, []messages.Receipt{"a", "c"}) || poison != "" {
		t.Errorf("sent again: %q, given up: %q", all, poison)
	}
}

// candidateAfter is how many losses make the first publish the candidate.
const candidateAfter = 5

func TestPoison(t *testing.T) {
	t.Parallel()
	start := time.Unix(1000, 0)
	for name, c := range map[string]struct {
		trials func(o *outbox.Outbox)
		all    []messages.Receipt
		poison messages.Receipt
	}{
		"suspected": {func(*outbox.Outbox) {}, nil, ""},
		"lost at once each time it is sent alone": {func(o *outbox.Outbox) {
			for range 3 {
				o.Try(start)
				o.Lost(start.Add(time.Second))
			}
		}, []messages.Receipt{"b"}, "a"},
		"not often enough": {func(o *outbox.Outbox) {
			for range 2 {
				o.Try(start)
				o.Lost(start.Add(time.Second))
			}
		}, nil, ""},
		"lost later": {func(o *outbox.Outbox) {
			o.Try(start)
			o.Lost(start.Add(time.Minute))
		}, []messages.Receipt{"a", "b"}, ""},
		"lost without it": {func(o *outbox.Outbox) { o.Lost(start) }, []messages.Receipt{"a", "b"}, ""},
		"it took effect": {func(o *outbox.Outbox) {
			o.Try(start)
			if _, again, _ := o.Remove("a"); !again {
				t.Error("nobody waits for it")
			}
		}, []messages.Receipt{"b"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := filled("a", "b")
			for i := range candidateAfter {
				if o.HasCandidate() {
					t.Fatalf("suspected after %d losses", i)
				}
				o.Lost(start)
			}
			if o.Add(messages.Publish{Receipt: "c"}) {
				t.Error("another is sent beside the candidate")
			}
			o.Remove("c")
			c.trials(o)
			if all, poison := resent(o); !slices.Equal(all, c.all) || poison != c.poison {
				t.Errorf("sent again: %q, given up: %q", all, poison)
			}
		})
	}
}

// Losses with different publishes first are the network's.
func TestNoCandidate(t *testing.T) {
	t.Parallel()
	o := filled("a", "b", "c", "d", "e", "f", "g")
	for _, r := range []messages.Receipt{"a", "b", "c", "d", "e", "f"} {
		o.Lost(time.Unix(1000, 0))
		o.Remove(r)
	}
	if o.HasCandidate() {
		t.Error("a publish is suspected")
	}
	if _, ok := o.Try(time.Unix(1000, 0)); ok || o.Tried() {
		t.Error("something is tried")
	}
}
