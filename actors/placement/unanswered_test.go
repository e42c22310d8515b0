package placement_test

import (
	"math/rand/v2"
	"strconv"
	"testing"

	"chanmqttproxy/actors/placement"
)

func TestUnanswered(t *testing.T) {
	var u placement.Unanswered
	expect := func(when string, want uint64) {
		t.Helper()
		if got := u.Done(9); got != want {
			t.Errorf("%s, all is answered up to %d, want %d", when, got, want)
		}
	}
	expect("at first", 9)
	u.Add("b", 7)
	u.Add("a", 3)
	u.Add("a", 8) // asked again before there was an answer to 3
	expect("with 3 and 7 open", 2)
	u.Remove("b")
	expect("with 3 open", 2)
	u.Remove("a")
	expect("with nothing open", 9)
	u.Add("a", 8)
	expect("with 8 open", 7)
	u.Add("c", 0) // of a registry that counts from there
	expect("with 0 open", 0)
}

// TestUnansweredAtRandom compares it with a map that is searched.
func TestUnansweredAtRandom(t *testing.T) {
	var u placement.Unanswered
	open := map[string]uint64{}
	for change := uint64(1); change < 3000; change++ {
		wire := strconv.Itoa(rand.IntN(50))
		if _, ok := open[wire]; ok && rand.IntN(2) == 0 {
			delete(open, wire)
			u.Remove(wire)
		} else if !ok {
			open[wire] = change
			u.Add(wire, change)
		}
		want := change
		for _, since := range open {
			want = min(want, since-1)
		}
		if got := u.Done(change); got != want {
			t.Fatalf("all is answered up to %d, want %d", got, want)
		}
	}
}
