package placement_test

import (
	"slices"
	"testing"

	"chanmqttproxy/actors/placement"
	"chanmqttproxy/messages"
)

func TestPending(t *testing.T) {
	t.Parallel()
	target := messages.Target{Kind: messages.Group, Name: "g"}
	item := placement.Item{Wire: "a", Target: target}
	var p placement.Pending
	p.Begin("", "a", []messages.Target{target}, 1) // nobody would say when it is written
	if p.Changes("a") || p.Pairs() != 0 {
		t.Error("a change without a receipt is waited for")
	}
	p.Begin("1", "a", []messages.Target{target}, 1)
	p.Begin("2", "a", nil, 0)
	p.Begin("3", "b", nil, 0)
	if !p.Adds(item) || !p.Changes("b") || p.Adds(placement.Item{Wire: "b", Target: target}) || p.Pairs() != 1 {
		t.Error("what is handled does not count")
	}
	p.Written("1", 10)
	p.Written("2", 12)
	p.Written("3", 12)
	p.Written("4", 12) // another's
	for _, c := range []struct {
		number uint64
		wires  []string
		adds   bool
		pairs  int
	}{{9, nil, true, 1}, {10, nil, false, 0}, {11, nil, false, 0}, {12, []string{"a", "b"}, false, 0}, {13, nil, false, 0}} {
		if got := p.Seen(c.number); !slices.Equal(got, c.wires) || p.Adds(item) != c.adds || p.Pairs() != c.pairs {
			t.Errorf("of the registry %d is seen: %v are known as they are, %v, %d pairs", c.number, got, p.Adds(item), p.Pairs())
		}
	}
}
