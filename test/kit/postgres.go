package kit

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// PostgresServer is a real PostgreSQL of the test's own, with one empty database.
type PostgresServer struct {
	t       testing.TB
	dir     string
	args    []string
	port    int
	process *Process
}

// Postgres starts a PostgreSQL, with further arguments of the server if any
// ("-c", "fsync=on"; it is off, which loses nothing as long as the machine runs). It
// is gone when the test ends.
func Postgres(t testing.TB, args ...string) *PostgresServer {
	t.Helper()
	p := &PostgresServer{t: t, args: args}
	initdb := postgresProgram(t, "initdb")
	p.dir = p.folder()
	cmd := p.command(initdb, "--pgdata", p.dir, "--username", "postgres", "--auth", "trust",
		"--encoding", "UTF8", "--locale", "C", "--no-sync")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	for range 5 { // another process may take the port first
		p.port = FreePort(t)
		if p.start() {
			return p
		}
	}
	t.Fatalf("PostgreSQL did not start:\n%s", p.process.Output())
	return nil
}

// URL is "postgres://postgres@127.0.0.1:port/postgres".
func (p *PostgresServer) URL() string {
	return fmt.Sprintf("postgres://postgres@%s/postgres", net.JoinHostPort("127.0.0.1", strconv.Itoa(p.port)))
}

// Port is the server's port on 127.0.0.1.
func (p *PostgresServer) Port() string { return strconv.Itoa(p.port) }

// Query runs SQL and returns its rows, a line each, with "|" between columns.
func (p *PostgresServer) Query(sql string) string {
	p.t.Helper()
	out, err := exec.Command(postgresProgram(p.t, "psql"), p.URL(), "-X", "-A", "-t", "-c", sql).CombinedOutput()
	if err != nil {
		p.t.Fatalf("asking PostgreSQL %q: %v\n%s", sql, err, out)
	}
	return strings.TrimSpace(string(out))
}

// Stop ends the server in order, and its connections at once.
func (p *PostgresServer) Stop() {
	p.t.Helper()
	p.process.Signal(syscall.SIGINT)
	if code := p.process.ExitCode(waitLimit); code != 0 {
		p.t.Errorf("PostgreSQL exited with %d", code)
	}
}

// Start starts the server again after Stop, on the same port with the data it had.
func (p *PostgresServer) Start() {
	p.t.Helper()
	if !p.start() {
		p.t.Fatalf("PostgreSQL did not come back:\n%s", p.process.Output())
	}
}

// start says whether the server answers. One whose port is taken ends at once.
func (p *PostgresServer) start() bool {
	p.t.Helper()
	args := []string{
		"-D", p.dir, "-p", strconv.Itoa(p.port),
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off",
	}
	process := Start(p.t, "PostgreSQL", p.command(postgresProgram(p.t, "postgres"), slices.Concat(args, p.args)...))
	p.process = process
	// In order, or it leaves shared memory behind.
	p.t.Cleanup(func() {
		process.Signal(syscall.SIGQUIT)
		select {
		case <-process.Ended():
		case <-time.After(waitLimit):
		}
	})
	for deadline := time.Now().Add(waitLimit); time.Now().Before(deadline) && !process.hasEnded(); {
		if strings.Contains(process.Output(), "ready to accept connections") {
			return true
		}
		time.Sleep(5 * time.Millisecond)
	}
	return false
}

// folder is one that the server's user can write to, which t.TempDir is not for root's
// servers.
func (p *PostgresServer) folder() string {
	p.t.Helper()
	dir, err := os.MkdirTemp("", "postgres-")
	if err != nil {
		p.t.Fatalf("making a folder for PostgreSQL: %v", err)
	}
	p.t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if c := p.credential(); c != nil {
		if err := os.Chown(dir, int(c.Uid), int(c.Gid)); err != nil {
			p.t.Fatalf("giving the folder to PostgreSQL's user: %v", err)
		}
	}
	return filepath.Join(dir, "data")
}

func (p *PostgresServer) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Env = "/", []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
	if c := p.credential(); c != nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c}
	}
	return cmd
}

// credential is the user that root runs the server as, since PostgreSQL refuses root.
func (p *PostgresServer) credential() *syscall.Credential {
	p.t.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		p.t.Fatalf("finding PostgreSQL's user: %v", err)
	}
	uid, _ := strconv.ParseUint(u.Uid, 10, 32)
	gid, _ := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// postgresProgram is a program of PostgreSQL, which Debian keeps out of the PATH.
func postgresProgram(t testing.TB, name string) string {
	t.Helper()
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name); len(found) > 0 {
		return found[len(found)-1]
	}
	return Need(t, name)
}
