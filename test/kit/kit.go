// Package kit starts the real servers that tests run against. Everything it
// starts listens on loopback on a free port, keeps its files in the test's
// temporary directory and is gone when the test ends.
package kit

import (
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"time"
)

// Need returns the path of a program. Where it is not installed the test is
// skipped, loudly; under CI=true it fails instead.
func Need(t testing.TB, program string) string {
	t.Helper()
	// Debian keeps daemons where an ordinary user's PATH does not look.
	for _, name := range []string{program, "/usr/sbin/" + program} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	Missing(t, "%s is not installed: run test/run, which installs it", program)
	return ""
}

// Missing skips the test because something it needs is not there, or fails it
// under CI=true.
func Missing(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf(format, args...)
	}
	t.Skipf("SKIPPED: "+format, args...)
}

// The ports of FreePort are below those that the system gives to connections, and to
// listeners that name none, and above the last one that browsers refuse.
const firstPort, lastPort = 11000, 32000

// given are the ports that FreePort has returned.
var given sync.Map

// FreePort returns a TCP port on loopback that nobody listens on, nor will by chance.
func FreePort(t testing.TB) int {
	t.Helper()
	for range 1000 {
		port := firstPort + rand.IntN(lastPort-firstPort)
		if _, taken := given.LoadOrStore(port, true); taken {
			continue
		}
		if l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
			l.Close()
			return port
		}
	}
	t.Fatalf("no port from %d to %d is free", firstPort, lastPort)
	return 0
}

// waitLimit is the least that is waited for what takes moments, since machines are busy.
const waitLimit = time.Minute

// Eventually waits until condition holds and fails the test when it does not
// within the time, or a minute if that is more. What is what was waited for.
func Eventually(t testing.TB, within time.Duration, what string, condition func() bool) {
	t.Helper()
	within = max(within, waitLimit)
	deadline := time.Now().Add(within)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", within, what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
