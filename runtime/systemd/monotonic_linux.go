package systemd

import (
	"time"

	"golang.org/x/sys/unix"
)

// monotonic is the time by CLOCK_MONOTONIC, in which systemd wants it.
func monotonic() time.Duration {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &t) != nil {
		return 0 // it cannot fail
	}
	return time.Duration(t.Nano())
}
