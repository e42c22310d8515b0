// Package kit starts the real servers that tests run against. Everything it
// starts listens on loopback on a free port, keeps its files in the test's
// temporary directory and is gone when the test ends.
package kit

import (
	"net"
	"os"
	"os/exec"
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

// FreePort returns a TCP port on loopback that nobody listens on.
func FreePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("finding a free port: %v", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// Eventually waits until condition holds and fails the test when it does not
// within the time. What is what was waited for.
func Eventually(t testing.TB, within time.Duration, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(within)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", within, what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
