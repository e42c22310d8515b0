package gcpace_test

import (
	"testing"

	"chanmqttproxy/runtime/gcpace"
)

func TestIdle(t *testing.T) {
	t.Parallel()
	const mb = 1 << 20
	for _, test := range []struct {
		live, unused, rate uint64
		want               bool
	}{
		{10 * mb, 20 * mb, 0, false},
		{10 * mb, 100 * mb, 0, true},
		{10 * mb, 100 * mb, mb, true},
		{10 * mb, 100 * mb, 50 * mb, false}, // it will be used again
		{200 * mb, 90 * mb, 0, false},
		{200 * mb, 110 * mb, 0, true},
	} {
		if got := gcpace.Idle(test.live, test.unused, test.rate); got != test.want {
			t.Errorf("%d MB live, %d MB unused, %d MB/s: %v", test.live/mb, test.unused/mb, test.rate/mb, got)
		}
	}
}

func TestRoom(t *testing.T) {
	t.Parallel()
	const mb = 1 << 20
	for _, test := range []struct{ live, rate, want uint64 }{
		{4 * mb, 0, 4 * mb},            // as Go does by itself
		{4 * mb, 40 * mb, 10 * mb},     // four cycles a second
		{8 * mb, 1000 * mb, 21 * mb},   // more often, rather than more
		{200 * mb, 0, 45 * mb},         // not as much again
		{200 * mb, 1000 * mb, 45 * mb}, // whatever the load
		{0, 0, 0},
	} {
		if got := gcpace.Room(test.live, test.rate); got != test.want {
			t.Errorf("with %d MB live and %d MB/s the heap may grow by %d MB, want %d", test.live/mb, test.rate/mb, got/mb, test.want/mb)
		}
	}
}
