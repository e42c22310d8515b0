package main_test

import (
	"fmt"
	"os"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// pseudoterminal opens one: who holds the master is the terminal.
func pseudoterminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := master.SyscallConn() // Fd would have a Close wait for what is read
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	if e := raw.Control(func(fd uintptr) {
		if err = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); err == nil {
			n, err = unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
		}
	}); e != nil || err != nil {
		t.Fatalf("unlocking a pseudoterminal: %v, %v", e, err)
	}
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return master, slave
}

// A worker in a terminal reloads at SIGHUP like any other, and stops in order with the
// terminal, however often a shell passes that on.
func TestClosedTerminalStops(t *testing.T) {
	t.Parallel()
	master, slave := pseudoterminal(t)
	cmd := command(t, nil, "dev", "--no-demo")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 2}
	r := begin(t, cmd, master, slave)
	r.waitFor("reading commands")
	r.signal(syscall.SIGHUP)
	r.waitFor("configuration reloaded")
	master.Close()                         // the kernel sends SIGHUP
	_ = cmd.Process.Signal(syscall.SIGHUP) // it may have ended
	r.exits(shutdown, 0)
}
