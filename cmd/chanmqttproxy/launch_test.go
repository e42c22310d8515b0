package main_test

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"chanmqttproxy/test/kit"
)

// running is a run of the program that is to be stopped by signals.
type running struct {
	t    *testing.T
	cmd  *exec.Cmd
	done chan struct{}

	mu    sync.Mutex
	lines []string
}

// launch starts the program and collects what it writes.
func launch(t *testing.T, environ []string, args ...string) *running {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	return begin(t, command(t, environ, args...), read, write)
}

// begin starts a program that writes to one file, which is read from the other.
func begin(t *testing.T, cmd *exec.Cmd, read, write *os.File) *running {
	t.Helper()
	r := &running{t: t, cmd: cmd, done: make(chan struct{})}
	r.cmd.Stdout, r.cmd.Stderr = write, write
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	write.Close()
	go func() {
		defer close(r.done)
		for lines := bufio.NewScanner(read); lines.Scan(); {
			r.mu.Lock()
			r.lines = append(r.lines, lines.Text())
			r.mu.Unlock()
		}
		r.cmd.Wait()
		read.Close()
	}()
	t.Cleanup(func() {
		r.cmd.Process.Kill()
		<-r.done
		if t.Failed() {
			t.Logf("it wrote:\n%s", r.written())
		}
	})
	return r
}

func (r *running) written() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.lines, "\n")
}

func (r *running) waitFor(text string) {
	r.t.Helper()
	kit.Eventually(r.t, 30*time.Second, "the program writes "+text, func() bool { return strings.Contains(r.written(), text) })
}

func (r *running) signal(s os.Signal) {
	r.t.Helper()
	if err := r.cmd.Process.Signal(s); err != nil {
		r.t.Fatalf("sending %v: %v", s, err)
	}
}

// exits waits for the end and wants the exit code.
func (r *running) exits(within time.Duration, code int) {
	r.t.Helper()
	select {
	case <-r.done:
	case <-time.After(within):
		r.t.Fatalf("it still runs after %v", within)
	}
	if got := r.cmd.ProcessState.ExitCode(); got != code {
		r.t.Errorf("exit code %d, want %d", got, code)
	}
}
