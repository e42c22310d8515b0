package commands

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
		want     HostChange
		up       bool
		attempts int // of the host, afterwards
	}
	for name, steps := range map[string][]step{
		"one host": {
			{0, away, LayerUnreachable, false, 1}, {0, away, NoChange, false, 2}, {0, loading, LayerUnreachable, false, 3},
			{0, nil, LayerUp, true, 3}, {0, nil, NoChange, true, 3},
		},
		"only the signs are lost": {
			{0, nil, LayerUp, true, 0}, {0, untold, NoChange, true, 0}, {0, nil, NoChange, true, 0},
			{0, untold, NoChange, true, 0}, {0, away, LayerUnreachable, false, 1}, {0, untold, NoChange, false, 2}, {0, nil, LayerUp, true, 2},
		},
		"two hosts": {
			{1, away, HostUnreachable, false, 1}, {0, nil, LayerUp, true, 0}, {1, away, NoChange, true, 2}, {1, nil, HostBack, true, 2},
			{0, away, HostUnreachable, true, 1}, {1, loading, LayerUnreachable, false, 1}, {0, nil, LayerUp, true, 1}, {1, nil, HostBack, true, 1},
		},
		"a bug":                   {{0, nil, LayerUp, true, 0}, {0, errBug, NoChange, true, 1}},
		"a bug whenever it opens": {{0, nil, LayerUp, true, 0}, {0, errBug, NoChange, true, 1}, {0, errBug, NoChange, true, 2}, {0, errBug, NoChange, true, 3}},
	} {
		n := 1
		if name == "two hosts" {
			n = 2
		}
		h := NewHosts(make([]string, n), 10*time.Second)
		for n, s := range steps {
			now = now.Add(time.Minute)
			var got HostChange
			switch s.err {
			case nil:
				got = h.Reached(s.host, now)
			case errBug:
				got = h.Lost(s.host, nil, now)
			default:
				got = h.Lost(s.host, s.err, now)
			}
			if got != s.want || h.Up() != s.up || h.Attempts(s.host) != s.attempts {
				t.Errorf("%s, step %d: %d, up %t, %d attempts", name, n, got, h.Up(), h.Attempts(s.host))
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
	h, now := NewHosts([]string{"a"}, 10*time.Second), time.Unix(1_000_000, 0)
	untold := &messages.LayerFailure{Untold: true, Err: errors.New("EOF")}
	for n := range 3 {
		h.Reached(0, now)
		now = now.Add(time.Second)
		if h.Lost(0, untold, now); h.Attempts(0) != n+1 {
			t.Errorf("%d attempts after %d", h.Attempts(0), n+1)
		}
	}
	if h.Fetched(0); h.Attempts(0) != 0 {
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
		h := NewHosts(make([]string, len(test.asked)), 10*time.Second)
		for i, asked := range test.asked {
			h.list[i].reached, h.list[i].asked = asked >= 0, max(0, asked)
		}
		if got := h.Ask(test.room, test.window); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}
