package kit

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// MosquittoServer is a real mosquitto of the test's own. It keeps its sessions
// over Stop and Start, and bounds neither queues nor messages in flight.
type MosquittoServer struct {
	t       testing.TB
	program string
	config  string
	port    int
	process *Process
}

// Mosquitto starts a mosquitto, with further lines of its configuration if any
// ("max_packet_size 1000"). It is gone when the test ends.
func Mosquitto(t testing.TB, lines ...string) *MosquittoServer {
	t.Helper()
	m := &MosquittoServer{t: t, program: Need(t, "mosquitto")}
	for range 5 { // another process may take the port first
		m.port = FreePort(t)
		m.config = m.write(lines)
		if m.start() {
			return m
		}
	}
	t.Fatalf("mosquitto did not start:\n%s", m.process.Output())
	return nil
}

func (m *MosquittoServer) write(lines []string) string {
	m.t.Helper()
	dir := m.t.TempDir()
	all := append([]string{
		fmt.Sprintf("listener %d 127.0.0.1", m.port),
		"persistence true",
		"persistence_location " + dir + "/",
		"set_tcp_nodelay true",
		"max_inflight_messages 0",
		"max_queued_messages 0",
		"log_type error", "log_type warning", "log_type notice",
	}, lines...)
	if os.Getuid() == 0 {
		all = append(all, "user root")
	}
	if !strings.Contains(strings.Join(lines, "\n"), "allow_anonymous") {
		all = append(all, "allow_anonymous true")
	}
	path := filepath.Join(dir, "mosquitto.conf")
	if err := os.WriteFile(path, []byte(strings.Join(all, "\n")+"\n"), 0o600); err != nil {
		m.t.Fatalf("writing mosquitto's configuration: %v", err)
	}
	return path
}

// start starts the program and tells whether it answers.
func (m *MosquittoServer) start() bool {
	m.t.Helper()
	m.process = Start(m.t, "mosquitto", exec.Command(m.program, "-c", m.config))
	return Answers(m.Addr(), m.process.Ended(), waitLimit)
}

// Addr is "127.0.0.1:port".
func (m *MosquittoServer) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(m.port)) }

// URL is mqtt://127.0.0.1:port.
func (m *MosquittoServer) URL() *url.URL { return &url.URL{Scheme: "mqtt", Host: m.Addr()} }

// PID is the number of its process.
func (m *MosquittoServer) PID() int { return m.process.PID() }

// Kill ends it with SIGKILL: what it had not stored is lost.
func (m *MosquittoServer) Kill() { m.process.Kill() }

// Stop ends it in order: it stores its sessions and retained messages.
func (m *MosquittoServer) Stop() {
	m.t.Helper()
	m.process.Stop(waitLimit)
}

// Start starts it again after Kill or Stop, on the same port.
func (m *MosquittoServer) Start() {
	m.t.Helper()
	if !m.start() {
		m.t.Fatalf("mosquitto did not start again:\n%s", m.process.Output())
	}
}

// Restart stores everything, and is Stop and Start.
func (m *MosquittoServer) Restart() {
	m.t.Helper()
	m.Stop()
	m.Start()
}

// Freeze stops the program without ending it: its connections stay open and
// silent.
func (m *MosquittoServer) Freeze() { m.process.Signal(syscall.SIGSTOP) }

// Thaw undoes Freeze.
func (m *MosquittoServer) Thaw() { m.process.Signal(syscall.SIGCONT) }

// Output is what mosquitto logged since it was last started.
func (m *MosquittoServer) Output() string { return m.process.Output() }

// MosquittoPasswords writes a password file with one user and returns the lines
// of a configuration that asks for it.
func MosquittoPasswords(t testing.TB, user, password string) []string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "passwords")
	out, err := exec.Command(Need(t, "mosquitto_passwd"), "-b", "-c", path, user, password).CombinedOutput()
	if err != nil {
		t.Fatalf("mosquitto_passwd: %v\n%s", err, out)
	}
	return []string{"allow_anonymous false", "password_file " + path}
}

// MosquittoACL writes an access list and returns the line of a configuration that
// has it enforced.
func MosquittoACL(t testing.TB, acl string) []string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "acl")
	if err := os.WriteFile(path, []byte(acl), 0o600); err != nil {
		t.Fatalf("writing mosquitto's access list: %v", err)
	}
	return []string{"acl_file " + path}
}

// Answers waits until something listens on the address and tells whether it
// did, within the time and before ended was closed.
func Answers(addr string, ended <-chan struct{}, within time.Duration) bool {
	for deadline := time.Now().Add(within); time.Now().Before(deadline); {
		if c, err := net.DialTimeout("tcp", addr, time.Second); err == nil {
			c.Close()
			return true
		}
		select {
		case <-ended:
			return false
		case <-time.After(5 * time.Millisecond):
		}
	}
	return false
}
