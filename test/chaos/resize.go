package chaos

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"chanmqttproxy/messages/topic"
	"chanmqttproxy/test/kit"
)

// Propose restarts a worker to have so many session slots, without waiting until filters
// have moved. The other workers ask for as many when they start next.
func (f Fleet) Propose(worker, to int, end func(*Worker)) {
	f.t.Helper()
	for _, w := range f.Workers {
		w.Set(sessions(to))
	}
	f.During("another number of sessions", func() { end(f.Workers[worker]); f.Workers[worker].Start() })
}

// BeginResize restarts a worker to have so many session slots, and returns while filters
// move.
func (f Fleet) BeginResize(worker, to int) {
	f.t.Helper()
	for _, w := range f.Workers {
		w.Set(sessions(to))
	}
	f.Workers[worker].Stop()
	f.Workers[worker].Start()
	kit.Eventually(f.t, time.Minute, "filters begin to move", func() bool {
		now, _ := f.Layout()
		return now == to
	})
}

// Flush empties Redis; the processes of the site join again, as their consumers do that
// connect again.
func (f Fleet) Flush() {
	f.t.Helper()
	f.During("FLUSHALL", func() {
		if err := f.redis.FlushAll(context.Background()).Err(); err != nil {
			f.t.Fatalf("emptying Redis: %v", err)
		}
		for i, p := range f.processes {
			f.join(i, p)
		}
	})
}

// Blink stops a worker for less than its leases.
func (f Fleet) Blink(worker int) {
	f.During("SIGSTOP, SIGCONT before the lease is over", func() {
		f.Workers[worker].Freeze()
		time.Sleep(lease / 3)
		f.Workers[worker].Thaw()
	})
}

// Settled waits until there are so many slots, and nothing moves.
func (f Fleet) Settled(sessions int) {
	f.t.Helper()
	kit.Eventually(f.t, 2*time.Minute, fmt.Sprint("all filters have moved to their place among ", sessions, " slots"), func() bool {
		now, before := f.Layout()
		return now == sessions && before == 0
	})
}

// AtRest checks that every filter which the site wants is subscribed to in the session of
// its slot, and nothing anywhere else, by what the broker has; and that a message on each
// comes once.
func (f Fleet) AtRest() {
	f.t.Helper()
	sessions, _ := f.Layout()
	wanted, given := f.wishes.all()
	want := map[int][]string{}
	for _, filter := range append(f.filters(), wanted...) {
		slot := topic.Slot(filter, sessions)
		want[slot] = append(want[slot], filter)
	}
	for _, filters := range want {
		slices.Sort(filters)
	}
	began := time.Now()
	difference := ""
	for difference = f.difference(want); difference != "" && time.Since(began) < 2*time.Minute; difference = f.difference(want) {
		time.Sleep(100 * time.Millisecond)
	}
	if difference != "" && f.forgetLeft(want) {
		difference = f.difference(want)
	}
	if difference != "" {
		f.t.Errorf("the broker's subscriptions are not where they belong:\n%s", difference)
	}
	f.t.Logf("%d sessions had their filters, and no other, after %v of rest", sessions, time.Since(began).Round(time.Millisecond))
	f.once(append(f.filters(), wanted...), given)
}

// forgetLeft has filters overlooked from now on that a worker of an older version has left
// in a session: it does not unsubscribe from those of a former holder that it has not asked
// for itself when they are given up. It says whether it was one.
func (f Fleet) forgetLeft(want map[int][]string) bool {
	f.t.Helper()
	sessions, _ := f.Layout()
	for slot := range sessions {
		if holder := f.Holder(slot); holder < 0 || f.Workers[holder].older == "" {
			return false
		}
	}
	for _, line := range strays(f.Subscriptions(), want) {
		f.t.Log("left by the older version: ", line)
		f.left[line] = true
	}
	return true
}

// strays are lines that say which filters sessions have that are not their own.
func strays(have, want map[int][]string) (lines []string) {
	for _, slot := range slices.Sorted(maps.Keys(have)) {
		for _, filter := range have[slot] {
			if !slices.Contains(want[slot], filter) {
				lines = append(lines, ClientID(slot)+" has "+filter+", which is not its own")
			}
		}
	}
	return lines
}

// difference is what the broker has and should not, and the other way round.
func (f Fleet) difference(want map[int][]string) string {
	have := f.Subscriptions()
	var b strings.Builder
	lines := strays(have, want)
	maps.DeleteFunc(f.left, func(line string, _ bool) bool { return !slices.Contains(lines, line) })
	for _, line := range lines {
		if !f.left[line] {
			fmt.Fprintln(&b, line)
		}
	}
	for _, slot := range slices.Sorted(maps.Keys(want)) {
		for _, filter := range want[slot] {
			if !slices.Contains(have[slot], filter) {
				fmt.Fprintf(&b, "%s has not %s\n", ClientID(slot), filter)
			}
		}
	}
	return b.String()
}

// once checks that a message on each of some topics comes once, and none on others.
func (f Fleet) once(topics, not []string) {
	f.t.Helper()
	text := fmt.Sprint("probe once ", devices.Add(1))
	d := f.device(true)
	defer d.close()
	for _, name := range slices.Concat(topics, not) {
		f.publishOnce(d, name, text)
	}
	count := func(name string) int { return f.heard(f.processes[0].name, name, text) }
	kit.Eventually(f.t, 30*time.Second, "a message on each topic comes", func() bool {
		return !slices.ContainsFunc(topics, func(name string) bool { return count(name) == 0 })
	})
	time.Sleep(500 * time.Millisecond)
	for _, name := range topics {
		if n := count(name); n != 1 {
			f.t.Errorf("a message on %s came %d times", name, n)
		}
	}
	for _, name := range not {
		if n := count(name); n != 0 {
			f.t.Errorf("a message on %s, which nobody wants, came %d times", name, n)
		}
	}
}
