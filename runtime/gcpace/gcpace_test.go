package gcpace_test

import (
	"testing"

	"chanmqttproxy/runtime/gcpace"
)

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
