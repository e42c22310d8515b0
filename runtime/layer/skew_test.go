package layer_test

import (
	"testing"
	"time"

	"chanmqttproxy/runtime/layer"
)

func TestSightings(t *testing.T) {
	t.Parallel()
	const base = 1_800_000_000.0
	type seen struct {
		minute                   int
		oldest, newest, _, fresh float64 // the dates against Redis's time
		sure                     layer.SiteClock
		behind                   time.Duration
	}
	h := time.Hour
	for name, list := range map[string][]seen{
		"right": {{0, -0.2, -0.1, 0, 0.5, layer.SiteClock{}, 0}, {1, -4, 4, 0, 0.1, layer.SiteClock{}, 0}},
		"two hours behind": {
			{0, -7200, -7200, 0, 0.1, layer.SiteClock{Behind: 2 * h}, 2 * h},
			{0, -7203, -7201, 0, 4, layer.SiteClock{Behind: 2*h + 3*time.Second}, 2*h + 3*time.Second},
		},
		"two hours ahead":                   {{0, 7200, 7200, 0, 0.1, layer.SiteClock{Ahead: 2 * h}, 0}},
		"two days behind":                   {{0, -172800, -172800, 0, 1, layer.SiteClock{Behind: 48 * h}, 48 * h}},
		"in 1970":                           {{0, -base + 12, -base + 12, 0, 1, layer.SiteClock{Behind: 1799999988 * time.Second}, 1799999988 * time.Second}},
		"waited while nobody read":          {{0, -7200, -1, 0, 0, layer.SiteClock{}, 0}},
		"ahead of those that waited":        {{0, -50, 300, 0, 0, layer.SiteClock{Ahead: 5 * time.Minute}, 0}},
		"waited no longer than it can have": {{0, -9, -9, 0, 5, layer.SiteClock{}, 0}},
		"a slow sender is no clock": {
			{0, -20, -20, 0, 0.1, layer.SiteClock{}, 20 * time.Second}, // but nothing of its is removed too early
			{1, -0.1, -0.1, 0, 0.1, layer.SiteClock{}, 20 * time.Second},
			{12, -0.1, -0.1, 0, 0.1, layer.SiteClock{}, 0},
		},
		"seconds off, again": {
			{0, -20, -20, 0, 0.1, layer.SiteClock{}, 20 * time.Second},
			{1, -21, -21, 0, 0.1, layer.SiteClock{Behind: 21 * time.Second}, 21 * time.Second},
		},
		"two machines": {
			{0, -7200, -7200, 0, 0.1, layer.SiteClock{Behind: 2 * h}, 2 * h},
			{0, 300, 300, 0, 0.1, layer.SiteClock{Behind: 2 * h, Ahead: 5 * time.Minute}, 2 * h},
			{1, -0.1, -0.1, 0, 0.1, layer.SiteClock{Behind: 2 * h, Ahead: 5 * time.Minute}, 2 * h},
			{11, -7200, -7200, 0, 0.1, layer.SiteClock{Behind: 2 * h}, 2 * h},
			{20, -0.1, -0.1, 0, 0.1, layer.SiteClock{Behind: 2 * h}, 2 * h},
			{22, -0.1, -0.1, 0, 0, layer.SiteClock{Behind: 2 * h}, 2 * h}, // it may have waited: it shows nothing
			{22, -0.1, -0.1, 0, 0.1, layer.SiteClock{}, 0},
		},
	} {
		var s layer.Sightings
		began := time.Unix(int64(base), 0)
		for i, n := range list {
			now := base + float64(n.minute)*60
			sure, behind := s.See(began.Add(time.Duration(n.minute)*time.Minute), now+n.oldest, now+n.newest, now, n.fresh)
			if sure != n.sure || behind != n.behind {
				t.Errorf("%s, %d: %+v, behind %v; want %+v, behind %v", name, i, sure, behind, n.sure, n.behind)
			}
		}
	}
}

func TestClocksInWords(t *testing.T) {
	t.Parallel()
	const s, h = time.Second, time.Hour
	for _, test := range []struct {
		worker        time.Duration
		behind, ahead time.Duration
		want          string
	}{
		{0, 0, 0, ""},
		{4 * s, 4 * s, 0, ""},
		{0, 2 * h, 0, "the site's clock is 2h0m0s behind those of Redis and of the worker"},
		{-s, 0, 2 * h, "the site's clock is 2h0m0s ahead of those of Redis and of the worker"},
		{-2 * h, 0, 0, "the clock of the worker's machine is 2h0m0s behind that of Redis"},
		{-2 * h, 2*h + s, 0, "the clock of Redis is 2h0m1s ahead of those of the site and of the worker"},
		{time.Minute, 2 * h, 0, "all clocks differ: the site's is 2h0m0s behind that of Redis, the worker's 1m0s ahead of it"},
		{0, h, 2 * h, "the site's clocks differ: one is 1h0m0s behind that of Redis, and one 2h0m0s ahead of it"},
	} {
		if got := layer.Clocks(test.worker, layer.SiteClock{Behind: test.behind, Ahead: test.ahead}); got != test.want {
			t.Errorf("worker %v, behind %v, ahead %v: %q, want %q", test.worker, test.behind, test.ahead, got, test.want)
		}
	}
}

func TestSiteClockIsStored(t *testing.T) {
	t.Parallel()
	for _, s := range []layer.SiteClock{{}, {Behind: 2 * time.Hour}, {Behind: 1500 * time.Millisecond, Ahead: 48 * time.Hour}} {
		if got := layer.ReadSiteClock(s.String()); got != s {
			t.Errorf("%+v is read as %+v", s, got)
		}
	}
	for _, text := range []string{"", "x", "1", "-1 2", "1 x", "NaN 1", "1 2 3"} {
		if got := layer.ReadSiteClock(text); got != (layer.SiteClock{}) {
			t.Errorf("%q is read as %+v", text, got)
		}
	}
}

// TestCutoff: with right clocks it is what channels_redis has.
func TestCutoff(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 999_999_999)
	for behind, want := range map[time.Duration]int64{
		0: 1_799_999_940, time.Nanosecond: 1_799_999_939, 2 * time.Hour: 1_799_992_740, 1_799_999_999 * time.Second: -59,
	} {
		if got := layer.Cutoff(now, 60, behind); got != want {
			t.Errorf("behind %v: %d, want %d", behind, got, want)
		}
	}
}
