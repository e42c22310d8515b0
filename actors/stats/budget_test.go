package stats_test

import (
	"sync/atomic"
	"testing"

	"chanmqttproxy/actors/stats"
)

func TestBudget(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		all, own int64
		over     bool
	}{
		{6400, 6400, false},
		{6401, 100, false}, // a fair share
		{6401, 101, true},
		{12800, 100, false},
		{12801, 0, true},
	} {
		var held atomic.Int64
		held.Store(test.all)
		if got := (stats.Budget{Held: &held, Limit: 6400}).Over(test.own); got != test.over {
			t.Errorf("%d of %d: %v", test.own, test.all, got)
		}
	}
}
