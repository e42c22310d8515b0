package gcpace_test

import (
	"testing"

	"chanmqttproxy/runtime/gcpace"
)

// TestBurst: the steps follow each other.
func TestBurst(t *testing.T) {
	t.Parallel()
	const mb = 1 << 20
	var b gcpace.Burst
	for i, step := range []struct {
		live, objects, free, rate uint64
		want                      bool
	}{
		{10 * mb, 20 * mb, 5 * mb, 0, false},
		{150 * mb, 180 * mb, 20 * mb, 50 * mb, false},
		{150 * mb, 160 * mb, 20 * mb, mb, true}, // though all of it was live a moment ago
		{150 * mb, 160 * mb, 20 * mb, mb, false},
		{150 * mb, 200 * mb, 40 * mb, mb, true}, // it was freed since
		{10 * mb, 20 * mb, 5 * mb, 50 * mb, false},
		{10 * mb, 20 * mb, 5 * mb, 0, false}, // little
	} {
		if got := b.Over(step.live, step.objects, step.free, step.rate); got != step.want {
			t.Errorf("step %d: %v", i, got)
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
