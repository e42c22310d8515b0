package worker_test

import (
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"chanmqttproxy/runtime/systemd"
	"chanmqttproxy/test/kit"
)

// manager plays systemd's part.
type manager struct {
	path string
	mu   sync.Mutex
	told []string
}

func listenAsManager(t *testing.T) *manager {
	t.Helper()
	m := &manager{path: filepath.Join(t.TempDir(), "notify")}
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: m.path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	go func() {
		defer close(done)
		for packet := make([]byte, 1000); ; {
			n, err := l.Read(packet)
			if err != nil {
				return
			}
			m.mu.Lock()
			m.told = append(m.told, string(packet[:n]))
			m.mu.Unlock()
		}
	}()
	return m
}

func (m *manager) count(state string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for _, told := range m.told {
		if strings.HasPrefix(told, state) {
			n++
		}
	}
	return n
}

func (m *manager) hears(t *testing.T, state string) {
	t.Helper()
	had := m.count(state)
	kit.Eventually(t, soon, "systemd hears "+state, func() bool { return m.count(state) > had })
}

// TestManagerHearsOfReloads: of the beginning, and of the end when that is reached.
func TestManagerHearsOfReloads(t *testing.T) {
	t.Parallel()
	m := listenAsManager(t)
	found := systemd.Find([]string{"NOTIFY_SOCKET=" + m.path, "WATCHDOG_USEC=1000000"}, 1)
	r := startUnder(t, found, startRedis(t), "MQTT_HOST="+broker(t, "127.0.0.1:0").Addr())
	kit.Eventually(t, soon, "systemd hears that it is ready", func() bool { return m.count("READY=1") == 1 })
	m.hears(t, "WATCHDOG=1") // so that it knows that it was ready
	for n := 1; n <= 2; n++ {
		r.worker.Reloading(func() {
			kit.Eventually(t, soon, "systemd hears that it reloads", func() bool { return m.count("RELOADING=1\nMONOTONIC_USEC=") == n })
			if m.count("READY=1") != n {
				t.Error("ready while it reloads")
			}
		})
		kit.Eventually(t, soon, "systemd hears that it has", func() bool { return m.count("READY=1") == n+1 })
	}
}

// TestManager: systemd is told when the worker does its work, and that it lives,
// also while it waits.
func TestManager(t *testing.T) {
	t.Parallel()
	m := listenAsManager(t)
	address := fmt.Sprintf("127.0.0.1:%d", kit.FreePort(t))
	found := systemd.Find([]string{"NOTIFY_SOCKET=" + m.path, "WATCHDOG_USEC=4000000"}, 1)
	r := startUnder(t, found, startRedis(t), "MQTT_HOST="+address)
	kit.Eventually(t, soon, "systemd hears what is missing", func() bool { return m.count("STATUS=waiting: no connection to the MQTT broker: ") > 0 })
	m.hears(t, "WATCHDOG=1")
	if m.count("READY=1") > 0 {
		t.Error("ready without a broker")
	}
	r.worker.Reloading(func() {}) // the end of which would be taken for READY
	if m.count("RELOADING=1") > 0 {
		t.Error("reloading before it is ready")
	}
	broker(t, address)
	kit.Eventually(t, soon, "systemd hears that it is ready", func() bool { return m.count("READY=1") == 1 && m.count("STATUS=at work") == 1 })
	m.hears(t, "WATCHDOG=1")
	r.stop()
	m.mu.Lock()
	defer m.mu.Unlock()
	if i := slices.Index(m.told, "READY=1"); i < 0 || slices.Contains(m.told[i+1:], "READY=1") {
		t.Errorf("told %q", m.told)
	}
}
