package reconnect_test

import (
	"testing"
	"time"

	"chanmqttproxy/actors/reconnect"
)

// step is one attempt: how long it took, and what became of it.
type step struct {
	took  time.Duration // from its begin to its failure, or to the connection
	lived time.Duration // 0: it failed
	loss  reconnect.Loss
}

func TestAttempts(t *testing.T) {
	t.Parallel()
	failed := step{}
	takenOver := step{lived: time.Hour, loss: reconnect.Loss{TakenOver: true}}
	brief, stable := step{lived: time.Second}, step{lived: reconnect.Stable}
	for name, c := range map[string]struct {
		steps         []step
		failed, brief int
	}{
		"the first":                     {nil, 0, 0},
		"each failure counts":           {[]step{failed, failed, failed}, 3, 0},
		"one that lived counts nothing": {[]step{failed, failed, stable}, 0, 0},
		"one that broke early counts":   {[]step{brief}, 1, 1},
		"but not without end":           {[]step{brief, brief, brief, brief, brief, brief, brief}, 5, 7},
		"a server that comes back":      {[]step{failed, failed, failed, failed, failed, failed, failed, brief}, 5, 1},
		"two that trade a session":      {[]step{takenOver, takenOver}, 2, 0},
		"the price of finding out":      {[]step{failed, failed, {lived: time.Second, loss: reconnect.Loss{Explained: true}}}, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var a reconnect.Attempts
			b, now := reconnect.Backoff{}.WithDefaults(), time.Unix(1000, 0)
			for i, s := range c.steps {
				now = now.Add(a.Begin(b, now) + s.took)
				early := false
				if s.lived > 0 {
					a.Connected(now)
					now = now.Add(s.lived)
					early = s.lived < reconnect.Stable && !s.loss.Explained
				}
				if got := a.Lost(s.loss, now); got != early || a.Up() {
					t.Errorf("step %d: early %v, up %v", i, got, a.Up())
				}
			}
			if a.Failed() != c.failed || a.Brief() != c.brief {
				t.Errorf("failed %d and brief %d, want %d and %d", a.Failed(), a.Brief(), c.failed, c.brief)
			}
		})
	}
}

// The delay counts from the begin of an attempt; one with another version has none.
func TestPauses(t *testing.T) {
	t.Parallel()
	var a reconnect.Attempts
	b, now := reconnect.Backoff{Min: time.Second, Max: time.Second}, time.Unix(1000, 0)
	begin := func(least, most time.Duration) {
		t.Helper()
		if got := a.Begin(b, now); got < least || got > most {
			t.Errorf("a pause of %v, want %v to %v", got, least, most)
		}
	}
	begin(0, 0)
	a.Lost(reconnect.Loss{}, now)
	begin(time.Second/2, time.Second)
	now = now.Add(3 * time.Second)
	a.Lost(reconnect.Loss{}, now)
	begin(0, 0) // it took its time
	a.Lost(reconnect.Loss{}, now)
	a.Again()
	begin(0, 0)
	a.Lost(reconnect.Loss{}, now)
	begin(time.Second/2, time.Second)
}

func TestDelay(t *testing.T) {
	t.Parallel()
	b := reconnect.Backoff{}.WithDefaults()
	for _, c := range []struct {
		backoff reconnect.Backoff
		failed  int
		most    time.Duration
	}{
		{b, 0, 0}, {b, 1, 200 * time.Millisecond}, {b, 2, 400 * time.Millisecond}, {b, 5, 3200 * time.Millisecond},
		{b, 6, 5 * time.Second}, {b, 1000, 5 * time.Second},
		{b.Redis(), 1, 200 * time.Millisecond}, {b.Redis(), 3, 500 * time.Millisecond}, {b.Redis(), 1000, 500 * time.Millisecond},
		{reconnect.Backoff{Min: 10 * time.Second}.WithDefaults(), 3, 10 * time.Second},
	} {
		for range 100 {
			if got := c.backoff.Delay(c.failed); got > c.most || got < c.most/2 {
				t.Fatalf("after %d failures %v, want %v to %v", c.failed, got, c.most/2, c.most)
			}
		}
	}
}
