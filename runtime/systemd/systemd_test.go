package systemd_test

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"testing"
	"time"

	"chanmqttproxy/runtime/systemd"
)

// manager plays systemd; hears returns the next that it is told.
func manager(t *testing.T) (m systemd.Manager, hears func() string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return systemd.Find([]string{"NOTIFY_SOCKET=" + path}, 1), func() string {
		packet := make([]byte, 100)
		n, err := l.Read(packet)
		if err != nil {
			t.Fatal(err)
		}
		return string(packet[:n])
	}
}

func TestTells(t *testing.T) {
	t.Parallel()
	m, hears := manager(t)
	if err := errors.Join(m.Status("two\nlines"), m.Ready(), m.Alive(), m.Stopping()); err != nil || !m.Present() {
		t.Fatal(err)
	}
	for _, want := range []string{"STATUS=two lines", "READY=1", "WATCHDOG=1", "STOPPING=1"} {
		if told := hears(); told != want {
			t.Errorf("told %q, want %q", told, want)
		}
	}
}

// systemd compares the time with its own, by the same clock.
func TestReloading(t *testing.T) {
	t.Parallel()
	m, hears := manager(t)
	var told [2]int64
	for i := range told {
		if err := m.Reloading(); err != nil {
			t.Fatal(err)
		}
		packet := hears()
		if _, err := fmt.Sscanf(packet, "RELOADING=1\nMONOTONIC_USEC=%d", &told[i]); err != nil {
			t.Fatalf("told %q, %v", packet, err)
		}
	}
	if told[0] <= 0 || told[1] < told[0] {
		t.Errorf("times %v", told)
	}
}

func TestNobody(t *testing.T) {
	t.Parallel()
	m := systemd.Find([]string{"WATCHDOG_USEC=1000"}, 1)
	if m.Present() || m.Watchdog() != 0 || m.Ready() != nil {
		t.Errorf("%+v", m)
	}
	if systemd.Find([]string{"NOTIFY_SOCKET=/nowhere"}, 1).Ready() == nil {
		t.Error("nobody listens, and no error")
	}
}

func TestWatchdog(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		micros, pid string
		want        time.Duration
	}{{"1500000", "", 1500 * time.Millisecond}, {"1000", "7", time.Millisecond}, {"1000", "8", 0}, {"", "", 0}, {"x", "", 0}, {"-1", "", 0}} {
		environ := []string{"NOTIFY_SOCKET=@s", "WATCHDOG_USEC=" + test.micros}
		if test.pid != "" {
			environ = append(environ, "WATCHDOG_PID="+test.pid)
		}
		if got := systemd.Find(environ, 7).Watchdog(); got != test.want {
			t.Errorf("%q: %v, want %v", environ, got, test.want)
		}
	}
}
