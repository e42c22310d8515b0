package placement_test

import (
	"testing"
	"time"

	"chanmqttproxy/actors/placement"
)

// What comes is fresh when for a second the broker had nothing that waited, and the process
// was not stopped.
func TestFreshness(t *testing.T) {
	t.Parallel()
	const ms = int64(time.Millisecond)
	ticks := func(from, to int64) (events []event) {
		for at := from; at <= to; at += 100 {
			events = append(events, event{at: at, what: "tick"})
		}
		return events
	}
	for _, c := range []struct {
		name   string
		events []event
		at     int64
		want   bool
	}{
		{"nobody ticks", nil, 5000, false},
		{"less than a second", ticks(100, 1100), 1100, false},
		{"more than a second", ticks(100, 1100), 1101, true},
		{"a connection", append(ticks(100, 5000), event{4000, "connected"}), 5000, false},
		{"a connection, a second ago", append(ticks(100, 5000), event{4000, "connected"}), 5001, true},
		{"much under way", append(ticks(100, 5000), event{2000, "came"}, event{2000, "came"}, event{2000, "came"}), 5000, false},
		{"until just before", append(ticks(100, 5000), event{2000, "came"}, event{2000, "came"}, event{2000, "came"}, event{4000, "done"}), 5000, false},
		{"until a second ago", append(ticks(100, 5000), event{2000, "came"}, event{2000, "came"}, event{2000, "came"}, event{4000, "done"}), 5001, true},
		{"a late tick", append(ticks(100, 4000), ticks(4300, 5000)...), 5000, true},
		{"stopped, no tick yet", ticks(100, 4000), 4301, false},
		{"stopped", append(ticks(100, 4000), ticks(4301, 5301)...), 5301, false},
		{"stopped a second ago", append(ticks(100, 4000), ticks(4301, 5301)...), 5302, true},
	} {
		p := &placement.Pulse{}
		f := placement.NewFreshness(p, 2)
		for _, e := range c.events {
			switch now := e.at * ms; e.what {
			case "tick":
				p.Tick(now)
			case "connected":
				f.Connected(now)
			case "came":
				f.Came(now)
			case "done":
				f.Done(1, now)
			}
		}
		if got := f.Fresh(c.at * ms); got != c.want {
			t.Errorf("%s: fresh %v, want %v", c.name, got, c.want)
		}
	}
}

type event struct {
	at   int64 // milliseconds
	what string
}
