package kit

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// BrokerServer is an MQTT broker of the test's own that is a program. It keeps
// its port and its files over Kill, Stop and Start.
type BrokerServer struct {
	t       testing.TB
	name    string
	port    int
	command func() *exec.Cmd
	process *Process
}

// runBroker starts a broker on a free port. The function writes what the program
// needs for that port, and returns what makes its command.
func runBroker(t testing.TB, name string, configure func(port int) func() *exec.Cmd) *BrokerServer {
	t.Helper()
	b := &BrokerServer{t: t, name: name}
	for range 3 { // another process may take the port first
		b.port = FreePort(t)
		b.command = configure(b.port)
		if b.start() {
			return b
		}
		b.Kill()
	}
	t.Fatalf("%s did not start:\n%s", name, tail(b.Output()))
	return nil
}

// start starts the program and tells whether it answers.
func (b *BrokerServer) start() bool {
	b.t.Helper()
	b.process = startGroup(b.t, b.name, b.command())
	return Answers(b.Addr(), b.process.Ended(), 4*time.Minute)
}

// startGroup is Start for a program with children: they are killed with it.
func startGroup(t testing.TB, name string, cmd *exec.Cmd) *Process {
	t.Helper()
	// setsid becomes the program, as the leader of a process group.
	cmd.Path, cmd.Args = Need(t, "setsid"), append([]string{"setsid"}, cmd.Args...)
	p := Start(t, name, cmd)
	t.Cleanup(func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	return p
}

// Addr is "127.0.0.1:port".
func (b *BrokerServer) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(b.port)) }

// URL is mqtt://127.0.0.1:port.
func (b *BrokerServer) URL() *url.URL { return &url.URL{Scheme: "mqtt", Host: b.Addr()} }

// Kill ends the broker with SIGKILL: what it had not stored is lost.
func (b *BrokerServer) Kill() {
	_ = syscall.Kill(-b.process.PID(), syscall.SIGKILL)
	b.process.Kill()
}

// Stop ends it with SIGTERM, whatever its exit code, and waits until it is gone.
func (b *BrokerServer) Stop() {
	b.t.Helper()
	b.process.Signal(syscall.SIGTERM)
	b.process.ExitCode(time.Minute)
}

// Start starts it again after Kill or Stop, on the same port.
func (b *BrokerServer) Start() {
	b.t.Helper()
	if !b.start() {
		b.t.Fatalf("%s did not start again:\n%s", b.name, tail(b.Output()))
	}
}

// Freeze stops the program without ending it: its connections stay open and silent.
func (b *BrokerServer) Freeze() { _ = syscall.Kill(-b.process.PID(), syscall.SIGSTOP) }

// Thaw undoes Freeze.
func (b *BrokerServer) Thaw() { _ = syscall.Kill(-b.process.PID(), syscall.SIGCONT) }

// Output is what the broker logged since it was last started.
func (b *BrokerServer) Output() string { return b.process.Output() }

// cached is the path of what test/run installs below the user's cache. Where it
// is not there the test is skipped, as by Missing.
func cached(t testing.TB, what string, path ...string) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatalf("finding %s: %v", what, err)
	}
	file := filepath.Join(append([]string{cache, "chanmqttproxy"}, path...)...)
	if _, err := os.Stat(file); err != nil {
		Missing(t, "no %s: run test/run, which installs it (%v)", what, err)
	}
	return file
}

// full skips a test that needs what is long to install, unless BROKERS=full.
func full(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("BROKERS") != "full" {
		t.Skipf("NOT TESTED: %s is behind a switch: BROKERS=full test/run", what)
	}
}

// writeFile writes a file of a server's configuration and returns its path.
func writeFile(t testing.TB, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatalf("writing %s: %v", name, err)
	}
	return path
}

// serverDir is a directory that may still be written to while it is removed.
func serverDir(t testing.TB, name string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", fmt.Sprintf("kit-%s-", name))
	if err != nil {
		t.Fatalf("making a directory for %s: %v", name, err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}
