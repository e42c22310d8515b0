// Package systemd talks to the service manager that started the process, as
// sd_notify(3) says: that the service is ready, what it does, that it lives.
package systemd

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
)

// Manager is whoever wants to be told. The zero value wants nothing.
type Manager struct {
	socket   string
	watchdog time.Duration
}

// Find looks for a manager in an environment (NOTIFY_SOCKET). It wants signs of
// life if WATCHDOG_USEC is set and WATCHDOG_PID is this process, or not set.
func Find(environ []string, pid int) Manager {
	m := Manager{socket: value(environ, "NOTIFY_SOCKET")}
	micros, err := strconv.ParseInt(value(environ, "WATCHDOG_USEC"), 10, 64)
	if whose := value(environ, "WATCHDOG_PID"); err == nil && micros > 0 && (whose == "" || whose == strconv.Itoa(pid)) {
		m.watchdog = time.Duration(micros) * time.Microsecond
	}
	return m
}

// Present tells whether there is a manager.
func (m Manager) Present() bool { return m.socket != "" }

// Watchdog is within which time the manager wants the next sign of life; 0: it
// wants none.
func (m Manager) Watchdog() time.Duration {
	if !m.Present() {
		return 0
	}
	return m.watchdog
}

// Ready says that the service does its work.
func (m Manager) Ready() error { return m.send("READY=1") }

// Reloading says that it reads its configuration again; Ready says that it has.
func (m Manager) Reloading() error {
	return m.send(fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d", monotonic().Microseconds()))
}

// Stopping says that it ends.
func (m Manager) Stopping() error { return m.send("STOPPING=1") }

// Alive is a sign of life.
func (m Manager) Alive() error { return m.send("WATCHDOG=1") }

// Status says what it does, in a line for people.
func (m Manager) Status(line string) error {
	return m.send("STATUS=" + strings.ReplaceAll(line, "\n", " "))
}

func (m Manager) send(state string) error {
	if !m.Present() {
		return nil
	}
	// A name that begins with "@" is an abstract one, for Go as for systemd.
	conn, err := net.Dial("unixgram", m.socket)
	if err != nil {
		return fmt.Errorf("telling systemd %s: %w", state, err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte(state)); err != nil {
		return fmt.Errorf("telling systemd %s: %w", state, err)
	}
	return nil
}

func value(environ []string, name string) string {
	for _, entry := range environ {
		if v, ok := strings.CutPrefix(entry, name+"="); ok {
			return v
		}
	}
	return ""
}
