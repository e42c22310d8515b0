package kit

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
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
	cmd     *exec.Cmd
	ended   chan struct{}
}

// Redis starts a redis-server, with further command-line arguments if any
// ("--maxmemory", "1mb"). It is gone when the test ends.
func Redis(t testing.TB, args ...string) *RedisServer {
	t.Helper()
	r := &RedisServer{t: t, program: Need(t, "redis-server"), dir: t.TempDir(), args: args}
	t.Cleanup(r.stop)
	for range 5 { // another process may take the port first
		r.port = FreePort(t)
		if r.start() {
			return r
		}
		r.stop()
	}
	t.Fatalf("redis-server did not start: %s", r.log())
	return nil
}

// Addr is "127.0.0.1:port".
func (r *RedisServer) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(r.port)) }

// URL is "redis://127.0.0.1:port".
func (r *RedisServer) URL() string { return "redis://" + r.Addr() }

// Client is a plain client of the server, closed when the test ends.
func (r *RedisServer) Client() *redis.Client { return RedisClient(r.t, r.Addr()) }

// RedisClient is a plain client of any server, closed when the test ends.
func RedisClient(t testing.TB, addr string) *redis.Client {
	c := redis.NewClient(&redis.Options{
		Addr: addr, Protocol: 2, DisableIdentity: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// Kill ends the server as kill -9 does. All connections break.
func (r *RedisServer) Kill() {
	r.t.Helper()
	r.stop()
}

// Pause makes the server hang with its connections open, until Resume.
func (r *RedisServer) Pause() { _ = r.cmd.Process.Signal(syscall.SIGSTOP) }

// Resume ends Pause.
func (r *RedisServer) Resume() { _ = r.cmd.Process.Signal(syscall.SIGCONT) }

// Restart kills the server, if it still runs, and starts it on the same port
// with the data it had.
func (r *RedisServer) Restart() {
	r.t.Helper()
	r.stop()
	if !r.start() {
		r.t.Fatalf("redis-server did not come back: %s", r.log())
	}
}

// start says whether the server answers. One that ends at once does not.
func (r *RedisServer) start() bool {
	args := append([]string{
		"--bind", "127.0.0.1", "--port", strconv.Itoa(r.port), "--dir", r.dir,
		"--logfile", "redis.log", "--save", "", "--appendonly", "yes", "--appendfsync", "no",
	}, r.args...)
	cmd, ended := exec.Command(r.program, args...), make(chan struct{})
	if err := cmd.Start(); err != nil {
		r.t.Fatalf("starting redis-server: %v", err)
	}
	r.cmd, r.ended = cmd, ended
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	return r.answers()
}

func (r *RedisServer) answers() bool {
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		select {
		case <-r.ended:
			return false
		case <-time.After(5 * time.Millisecond):
		}
		if r.pong() {
			return true
		}
	}
	return false
}

// pong asks as a Redis client does, so that a server which still loads its data
// does not count.
func (r *RedisServer) pong() bool {
	c, err := net.Dial("tcp", r.Addr())
	if err != nil {
		return false
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Second))
	fmt.Fprint(c, "PING\r\n")
	answer := make([]byte, 7)
	n, _ := c.Read(answer)
	return string(answer[:n]) == "+PONG\r\n"
}

func (r *RedisServer) stop() {
	if r.cmd == nil {
		return
	}
	_ = r.cmd.Process.Kill()
	<-r.ended
	r.cmd = nil
}

func (r *RedisServer) log() string {
	text, _ := os.ReadFile(filepath.Join(r.dir, "redis.log"))
	return string(text)
}
