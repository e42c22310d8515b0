package main

import (
	"maps"
	"strings"
	"testing"
	"time"

	"chanmqttproxy/messages"
)

func TestLimit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		shares
		want string
	}{
		"a broker uses one processor":    {shares{broker: 0.95, redis: 0.4, worker: 1.2, processors: 8}, "the broker"},
		"so does Redis":                  {shares{broker: 0.5, redis: 0.93, worker: 1.2, processors: 8}, "Redis"},
		"the worker may use several":     {shares{broker: 0.5, redis: 0.5, worker: 2, processors: 8}, "none"},
		"Daphne uses one processor":      {shares{daphne: 0.92, redis: 0.5, processors: 8}, "Daphne"},
		"its queue is full":              {shares{daphne: 0.6, redis: 0.5, queue: 80, processors: 2}, "Daphne"},
		"it waits for a processor":       {shares{daphne: 0.5, redis: 0.5, worker: 0.8, queue: 80, processors: 2}, "2 processors"},
		"all together use what there is": {shares{broker: 0.5, redis: 0.4, worker: 0.6, load: 0.4, processors: 2}, "2 processors"},
		"others use it":                  {shares{broker: 0.1, redis: 0.1, worker: 0.1, others: 1.6, processors: 2}, "2 processors"},
	} {
		if got := c.limit(); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %q is full, want %q", name, got, c.want)
		}
	}
}

// TestModel: what is written together costs less each, and each part has as many
// processes as keep it below what one may use.
func TestModel(t *testing.T) {
	t.Parallel()
	m := model{loads: []load{{1000, 0.06, 0.03, 0.04}, {10_000, 0.3, 0.2, 0.2}, {50_000, 0.7, 0.5, 0.3}}}
	for rate, want := range map[float64]need{
		500:     {0.03, 0.015, 0.02, 1, 1, 1, 1},
		1000:    {0.06, 0.03, 0.04, 1, 1, 1, 1},
		10_000:  {0.3, 0.2, 0.2, 1, 1, 1, 10},
		30_000:  {0.5, 0.35, 0.25, 1, 1, 1, 30},
		100_000: {1.4, 1, 0.6, 2, 2, 1, 100},
	} {
		got := m.of(rate)
		for what, pair := range map[string][2]float64{"worker": {got.worker, want.worker}, "broker": {got.broker, want.broker}, "redis": {got.redis, want.redis}} {
			if d := pair[0] - pair[1]; d > 1e-9 || d < -1e-9 {
				t.Errorf("at %v the %s uses %v, want %v", rate, what, pair[0], pair[1])
			}
		}
		if got.sessions != want.sessions || got.brokers != want.brokers || got.redises != want.redises || got.django != want.django {
			t.Errorf("%v needs %+v, want %+v", rate, got, want)
		}
	}
}

func TestModelOfResults(t *testing.T) {
	t.Parallel()
	figures := func(rate, worker float64) map[string]float64 {
		return map[string]float64{"msgs_per_s": rate, "secs": 2, "processors": 2, "cpu_worker_s": worker, "cpu_worker2_s": 0.1, "cpu_redis_s": 0.2, "cpu_mosquitto_s": 0.4}
	}
	m := modelOf([]result{
		{Scenario: "slots-1", Who: "worker", Figures: figures(40_000, 0.7)},
		{Scenario: "rate-1k", Who: "worker", Figures: figures(1000, 0.3)},
		{Scenario: "idle", Who: "worker", Figures: map[string]float64{"worker_rss_mb": 30}},
		{Scenario: "filters-100k", Who: "worker", Figures: map[string]float64{"worker_rss_mb": 130}},
	})
	if len(m.loads) != 2 || m.loads[0].worker != 0.2 || m.loads[1].broker != 0.2 {
		t.Errorf("the loads are %+v", m.loads)
	}
	if m.each < 1048 || m.each > 1049 {
		t.Errorf("a subscription takes %v bytes", m.each)
	}
}

func TestAccount(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	sent := make([]time.Duration, 2*flowTopics+4)
	arrivals := []arrival{
		{0, ms},                  // not counted
		{3, 400 * ms},            // late
		{2, 2 * ms}, {2, 3 * ms}, // twice
		{2*flowTopics + 3, 4 * ms}, {flowTopics + 3, 5 * ms}, // out of order
		{10_000, 6 * ms}, // of somebody else
	}
	got := account(sent, arrivals, 1)
	want := map[string]float64{"sent": 2*flowTopics + 3, "lost_msgs": 2*flowTopics - 1, "dup": 1, "reordered": 1, "late": 1, "longest_ms": 400, "p99_ms": 400, "p50_ms": 5}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestIsSpread(t *testing.T) {
	t.Parallel()
	held := func(holders ...string) (list []messages.SlotInfo) {
		for i, h := range holders {
			list = append(list, messages.SlotInfo{Number: i, Holder: h})
		}
		return list
	}
	for name, c := range map[string]struct {
		slots             []messages.SlotInfo
		sessions, workers int
		want              bool
	}{
		"one of two stands by":     {held("a"), 1, 2, true},
		"two each":                 {held("a", "b", "b", "a"), 4, 2, true},
		"one has three":            {held("a", "b", "b", "b"), 4, 2, false},
		"one has none":             {held("a", "a"), 2, 2, false},
		"one is free":              {held("a", ""), 2, 1, false},
		"the layout is an old one": {held("a"), 2, 1, false},
	} {
		if isSpread(c.slots, fleet{sessions: c.sessions, workers: c.workers}) != c.want {
			t.Errorf("%s: want %v", name, c.want)
		}
	}
}

func TestNumber(t *testing.T) {
	t.Parallel()
	for f, want := range map[float64]string{0: "0", 0.1234: "0.123", 999.4: "999", 999.9: "1,000", 45_678: "45,678", 1_234_567: "1,234,567"} {
		if got := number(f); got != want {
			t.Errorf("%v is %q, want %q", f, got, want)
		}
	}
}

func TestFill(t *testing.T) {
	t.Parallel()
	b := block{name: "x"}
	for text, want := range map[string]string{
		"a\n<!-- bench x -->\nold\n<!-- /bench x -->\nb": "a\n<!-- bench x -->\nnew\n<!-- /bench x -->\nb",
		"no place": "no place",
	} {
		if got, err := b.in(text, "new\n"); err != nil || got != want {
			t.Errorf("%q became %q (%v)", text, got, err)
		}
	}
	if _, err := b.in("<!-- bench x -->\nold", "new"); err == nil {
		t.Error("a place without an end is none")
	}
}
