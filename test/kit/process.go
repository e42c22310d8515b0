package kit

import (
	"bytes"
	"io"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Process is a program that a test started. It is killed when the test ends;
// what it wrote is in the test's log where the test failed.
type Process struct {
	t      testing.TB
	name   string
	cmd    *exec.Cmd
	output output
	ended  chan struct{}
}

// Start starts cmd under the given name, with its standard output and error
// captured, and ends it with the test.
func Start(t testing.TB, name string, cmd *exec.Cmd) *Process {
	t.Helper()
	return start(t, name, cmd, nil)
}

// start is Start for a program whose standard output goes elsewhere, if that is
// set.
func start(t testing.TB, name string, cmd *exec.Cmd, stdout io.Writer) *Process {
	t.Helper()
	p := &Process{t: t, name: name, cmd: cmd, ended: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = stdout, &p.output
	if stdout == nil {
		cmd.Stdout = &p.output
	}
	cmd.SysProcAttr = dieWithParent(cmd.SysProcAttr)
	cmd.WaitDelay = time.Second // for children of its own that keep its output open
	if err := cmd.Start(); err != nil {
		t.Fatalf("starting %s: %v", name, err)
	}
	go func() {
		_ = cmd.Wait() // ExitCode tells how it ended
		close(p.ended)
	}()
	t.Cleanup(p.cleanup)
	return p
}

func (p *Process) cleanup() {
	p.Kill()
	if p.t.Failed() {
		p.t.Logf("output of %s:\n%s", p.name, tail(p.Output()))
	}
}

// tail is the end of a text, as much as a person reads.
func tail(text string) string {
	const most = 16 << 10
	if len(text) <= most {
		return text
	}
	return "[...] " + text[len(text)-most:]
}

// PID is the number of the program's process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Output is what the program wrote so far, standard output and error in one.
func (p *Process) Output() string { return p.output.String() }

// Ended is closed when the program has ended.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Signal sends a signal; to a program that has ended it does nothing.
func (p *Process) Signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }

// Kill ends the program with SIGKILL and waits until it is gone. It may be
// called again.
func (p *Process) Kill() {
	p.Signal(syscall.SIGKILL)
	<-p.ended
}

// Stop ends the program with SIGTERM and fails the test unless it exits with 0
// within the time.
func (p *Process) Stop(within time.Duration) {
	p.t.Helper()
	p.Signal(syscall.SIGTERM)
	if code := p.ExitCode(within); code != 0 {
		p.t.Errorf("%s exited with %d after SIGTERM, want 0", p.name, code)
	}
}

// ExitCode waits until the program has ended by itself and returns its exit
// code, -1 where a signal ended it. It fails the test when that takes longer.
func (p *Process) ExitCode(within time.Duration) int {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(within):
		p.t.Fatalf("%s has not ended within %v", p.name, within)
	}
	return p.cmd.ProcessState.ExitCode()
}

// waitFor waits until ready holds, and fails the test when that takes longer
// or the program ends before.
func (p *Process) waitFor(within time.Duration, what string, ready func() bool) {
	p.t.Helper()
	Eventually(p.t, within, p.name+": "+what, func() bool {
		if p.hasEnded() {
			p.t.Fatalf("%s ended before it was ready", p.name)
		}
		return ready()
	})
}

func (p *Process) hasEnded() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// output is a buffer that may be read while it is written.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}
