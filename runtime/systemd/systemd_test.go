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

func TestTells(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	m := systemd.Find([]string{"NOTIFY_SOCKET=" + path}, 1)
	if err := errors.Join(m.Status("two\nlines"), m.Ready(), m.Alive(), m.Stopping()); err != nil || !m.Present() {
		t.Fatal(err)
	}
	for _, want := range []string{"STATUS=two lines", "READY=1", "WATCHDOG=1", "STOPPING=1"} {
		packet := make([]byte, 100)
		n, err := l.Read(packet)
		if err != nil || string(packet[:n]) != want {
			t.Errorf("told %q %v, want %q", packet[:n], err, want)
		}
	}
}

// systemd compares the time with its own, by the same clock.
func TestReloading(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	m := systemd.Find([]string{"NOTIFY_SOCKET=" + path}, 1)
	var told [2]int64
	for i := range told {
		if err := m.Reloading(); err != nil {
			t.Fatal(err)
		}
		packet := make([]byte, 100)
		n, err := l.Read(packet)
		if _, scanned := fmt.Sscanf(string(packet[:n]), "RELOADING=1\nMONOTONIC_USEC=%d", &told[i]); err != nil || scanned != nil {
			t.Fatalf("told %q, %v, %v", packet[:n], err, scanned)
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
