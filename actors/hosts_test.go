package actors

import (
	"errors"
	"slices"
	"testing"
	"time"

	"chanmqttproxy/messages"
)

func TestHostsSay(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_000_000, 0)
	away := &messages.LayerFailure{Err: errors.New("connection refused")}
	loading := &messages.LayerFailure{Answered: true, Err: errors.New("LOADING")}
	untold := &messages.LayerFailure{Untold: true, Err: errors.New("EOF")}
	type step struct {
		host     int
		err      error // nil: it is reached
		want     hostChange
		up       bool
		attempts int // of the host, afterwards
	}
	for name, steps := range map[string][]step{
		"one host": {
			{0, away, layerAway, false, 1}, {0, away, noChange, false, 2}, {0, loading, layerAway, false, 3},
			{0, nil, layerUp, true, 3}, {0, nil, noChange, true, 3},
		},
		"only the signs are lost": {
			{0, nil, layerUp, true, 0}, {0, untold, noChange, true, 0}, {0, nil, noChange, true, 0},
			{0, untold, noChange, true, 0}, {0, away, layerAway, false, 1}, {0, untold, noChange, false, 2}, {0, nil, layerUp, true, 2},
		},
		"two hosts": {
			{1, away, oneHostAway, false, 1}, {0, nil, layerUp, true, 0}, {1, away, noChange, true, 2}, {1, nil, oneHostBack, true, 2},
			{0, away, oneHostAway, true, 1}, {1, loading, layerAway, false, 1}, {0, nil, layerUp, true, 1}, {1, nil, oneHostBack, true, 1},
		},
		"a bug":                   {{0, nil, layerUp, true, 0}, {0, errBug, noChange, true, 1}},
		"a bug whenever it opens": {{0, nil, layerUp, true, 0}, {0, errBug, noChange, true, 1}, {0, errBug, noChange, true, 2}, {0, errBug, noChange, true, 3}},
	} {
		n := 1
		if name == "two hosts" {
			n = 2
		}
		h := newHosts(make([]string, n))
		for n, s := range steps {
			now = now.Add(time.Minute)
			var got hostChange
			switch s.err {
			case nil:
				got = h.reached(s.host, now)
			case errBug:
				got = h.lost(s.host, nil, now)
			default:
				got = h.lost(s.host, s.err, now)
			}
			if got != s.want || h.up != s.up || h.list[s.host].attempts != s.attempts {
				t.Errorf("%s, step %d: %d, up %t, %d attempts", name, n, got, h.up, h.list[s.host].attempts)
			}
		}
	}
}

// errBug stands for a failure that is none.
var errBug = errors.New("a bug")

// TestHostsBrief: a connection that did not live for long counts as a failed attempt, whatever
// it died of, until commands came.
func TestHostsBrief(t *testing.T) {
	t.Parallel()
	h, now := newHosts([]string{"a"}), time.Unix(1_000_000, 0)
	untold := &messages.LayerFailure{Untold: true, Err: errors.New("EOF")}
	for n := range 3 {
		h.reached(0, now)
		now = now.Add(time.Second)
		if h.lost(0, untold, now); h.list[0].attempts != n+1 {
			t.Errorf("%d attempts after %d", h.list[0].attempts, n+1)
		}
	}
	if h.took(0); h.list[0].attempts != 0 {
		t.Error("commands came, and it still fails")
	}
}

func TestHostsAsk(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		asked  []int // before; -1: it is not reached
		room   int
		window int
		want   []int
	}{
		"one host":        {[]int{0}, 100, 1000, []int{100}},
		"no room":         {[]int{0, 0}, 0, 1000, []int{0, 0}},
		"asked already":   {[]int{50}, 100, 1000, []int{0}},
		"a share each":    {[]int{0, 0}, 1000, 1000, []int{500, 500}},
		"one is waiting":  {[]int{500, 0}, 700, 1000, []int{0, 200}},
		"one is away":     {[]int{-1, 0}, 1000, 1000, []int{0, 500}},
		"less than hosts": {[]int{0, 0, 0}, 1, 1, []int{1, 1, 1}},
		"the rest":        {[]int{500, 0}, 500, 1000, []int{0, 1}},
	} {
		h := newHosts(make([]string, len(test.asked)))
		for i, asked := range test.asked {
			h.list[i].reached, h.list[i].asked = asked >= 0, max(0, asked)
		}
		if got := h.ask(test.room, test.window); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}
