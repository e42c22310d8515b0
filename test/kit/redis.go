package kit

import (
	"io"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// RedisServer is a real redis-server of the test's own. It writes every change
// to a file, so that what a client was told survives Kill.
type RedisServer struct {
	t       testing.TB
	program string
	dir     string
	args    []string
	port    int
	process *Process
}

// Redis starts a redis-server, with further command-line arguments if any
// ("--maxmemory", "1mb"). It is gone when the test ends.
func Redis(t testing.TB, args ...string) *RedisServer {
	t.Helper()
	r := &RedisServer{t: t, program: Need(t, "redis-server"), dir: t.TempDir(), args: args}
	for range 5 { // another process may take the port first
		r.port = FreePort(t)
		if r.start() {
			return r
		}
	}
	t.Fatalf("redis-server did not start: %s", r.process.Output())
	return nil
}

// Addr is "127.0.0.1:port".
func (r *RedisServer) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(r.port)) }

// URL is "redis://127.0.0.1:port".
func (r *RedisServer) URL() string { return "redis://" + r.Addr() }

// PID is the number of the server's process.
func (r *RedisServer) PID() int { return r.process.PID() }

// Client is a plain client of the server, closed when the test ends.
func (r *RedisServer) Client() *redis.Client { return RedisClient(r.t, r.Addr()) }

// RedisOptions are those of a client of a server that a busy machine may hold up.
func RedisOptions(addr string) *redis.Options {
	return &redis.Options{Addr: addr, ReadTimeout: 30 * time.Second, WriteTimeout: 30 * time.Second}
}

// RedisClient is a plain client of any server, closed when the test ends.
func RedisClient(t testing.TB, addr string) *redis.Client {
	options := RedisOptions(addr)
	options.Protocol, options.DisableIdentity = 2, true
	options.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	c := redis.NewClient(options)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// Kill ends the server as kill -9 does. All connections break.
func (r *RedisServer) Kill() { r.process.Kill() }

// Pause makes the server hang with its connections open, until Resume.
func (r *RedisServer) Pause() { r.process.Signal(syscall.SIGSTOP) }

// Resume ends Pause.
func (r *RedisServer) Resume() { r.process.Signal(syscall.SIGCONT) }

// Restart kills the server, if it still runs, and starts it on the same port
// with the data it had.
func (r *RedisServer) Restart() {
	r.t.Helper()
	r.Kill()
	if !r.start() {
		r.t.Fatalf("redis-server did not come back: %s", r.process.Output())
	}
}

// start says whether the server answers. One whose port is taken ends at once.
func (r *RedisServer) start() bool {
	r.t.Helper()
	args := append([]string{
		"--bind", "127.0.0.1", "--port", strconv.Itoa(r.port), "--dir", r.dir,
		"--save", "", "--appendonly", "yes", "--appendfsync", "no", "--loglevel", "warning",
	}, r.args...)
	r.process = Start(r.t, "redis-server", exec.Command(r.program, args...))
	for deadline := time.Now().Add(waitLimit); time.Now().Before(deadline); {
		if r.answers() {
			return true
		}
		select {
		case <-r.process.Ended():
			return false
		case <-time.After(5 * time.Millisecond):
		}
	}
	return false
}

// answers asks as a client does, so that a server which still loads its data
// does not count; nor does a stranger's that has taken the port.
func (r *RedisServer) answers() bool {
	c, err := net.Dial("tcp", r.Addr())
	if err != nil {
		return false
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Second))
	if _, err := c.Write([]byte("PING\r\nCONFIG GET dir\r\nQUIT\r\n")); err != nil {
		return false
	}
	answer, _ := io.ReadAll(c)
	return strings.HasPrefix(string(answer), "+PONG") && strings.Contains(string(answer), r.dir)
}
