package main_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"chanmqttproxy/runtime/embedded"
	"chanmqttproxy/test/kit"
)

// fullPipe is one of 4 kB that is full.
func fullPipe(t *testing.T) (read, write *os.File) {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { read.Close() })
	raw, err := write.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	err = raw.Control(func(fd uintptr) {
		if _, e := unix.FcntlInt(fd, unix.F_SETPIPE_SZ, 4096); e != nil {
			t.Errorf("making the pipe small: %v", e)
		}
		for e := error(nil); e == nil; {
			_, e = unix.Write(int(fd), []byte("x\n"))
			if e != nil && !errors.Is(e, unix.EAGAIN) {
				t.Errorf("filling the pipe: %v", e)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return read, write
}

// unread starts the program with a standard output and error that nobody reads.
func unread(t *testing.T, out *os.File, environ []string, args ...string) *running {
	t.Helper()
	r := &running{t: t, cmd: command(t, environ, args...), done: make(chan struct{})}
	r.cmd.Stdout, r.cmd.Stderr = out, out
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	out.Close()
	go func() {
		defer close(r.done)
		_ = r.cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = r.cmd.Process.Kill()
		<-r.done
	})
	return r
}

// get is what the worker answers.
func get(t *testing.T, address string) (code int, body string) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
	answer, err := client.Get("http://" + address)
	if err != nil {
		return 0, err.Error()
	}
	defer answer.Body.Close()
	all, _ := io.ReadAll(answer.Body)
	return answer.StatusCode, string(all)
}

// works starts a worker that logs more than such a standard error takes, and wants it to
// deliver messages all the same.
func works(t *testing.T, stderr *os.File) *running {
	t.Helper()
	broker, err := embedded.Broker("127.0.0.1:0", embedded.BrokerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	listen := fmt.Sprintf("127.0.0.1:%d", kit.FreePort(t))
	environ := []string{"REDIS_URL=redis://" + startRedis(t).Addr(), "MQTT_HOST=" + broker.Addr(), "HTTP_LISTEN=" + listen, "LOG_MEMORY=4096"}
	r := unread(t, stderr, environ, "run")
	heard := launch(t, environ, "listen", "house", "--topic", "house/#")
	for i := range 50 {
		topic := fmt.Sprintf("house/%d", i)
		kit.Eventually(t, 30*time.Second, "the message comes", func() bool {
			if err := broker.Publish(topic, []byte("on"), false); err != nil {
				t.Fatal(err)
			}
			return strings.Contains(heard.written(), fmt.Sprintf("%q", topic))
		})
	}
	kit.Eventually(t, 30*time.Second, "lines are dropped, and counted", func() bool {
		r.signal(syscall.SIGHUP) // which is logged
		_, body := get(t, listen+"/metrics")
		return droppedLines.MatchString(body)
	})
	if code, body := get(t, listen+"/livez"); code != http.StatusOK {
		t.Errorf("/livez answers %d: %s", code, body)
	}
	return r
}

var droppedLines = regexp.MustCompile(`(?m)^chanmqttproxy_log_lines_dropped_total [1-9]`)

// TestStderrStuck: a standard error that is not read costs lines, which are counted. A
// signal stops the worker as ever.
func TestStderrStuck(t *testing.T) {
	t.Parallel()
	_, write := fullPipe(t)
	r := works(t, write)
	r.signal(syscall.SIGTERM)
	r.exits(shutdown, 0)
}

// TestStderrReadAgain: how many lines were dropped is told when there is somebody to tell.
func TestStderrReadAgain(t *testing.T) {
	t.Parallel()
	read, write := fullPipe(t)
	works(t, write)
	if err := read.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(read); lines.Scan(); {
		if strings.Contains(lines.Text(), `"log lines were dropped`) {
			return
		}
	}
	t.Error("that lines were dropped is not told")
}

// TestStderrGone: it costs the lines alone. Where nobody listens, SIGPIPE would end the
// worker.
func TestStderrGone(t *testing.T) {
	t.Parallel()
	read, write := fullPipe(t)
	read.Close()
	r := works(t, write)
	r.signal(syscall.SIGTERM)
	r.exits(shutdown, 0)
}

// TestSignalsWhileStderrIsStuck: the first one is given its time, the second one is not.
func TestSignalsWhileStderrIsStuck(t *testing.T) {
	t.Parallel()
	_, write := fullPipe(t)
	nobody := fmt.Sprintf("127.0.0.1:%d", kit.FreePort(t))
	addr, met := silent(t)
	r := unread(t, write, []string{"REDIS_URL=redis://" + addr, "MQTT_HOST=" + nobody, "SHUTDOWN_TIMEOUT=10m"}, "run")
	meet(t, met)
	r.signal(syscall.SIGTERM)
	r.signal(syscall.SIGINT) // another: two of one kind may come as one
	r.exits(shutdown, 1)
}

// TestFaultsWhileStderrIsStuck: a command that fails ends all the same.
func TestFaultsWhileStderrIsStuck(t *testing.T) {
	t.Parallel()
	_, write := fullPipe(t)
	unread(t, write, []string{"MQTT_PORT=x"}, "run").exits(shutdown, 2)
}

// TestStdoutStuck: a command whose output nobody reads stops at a signal.
func TestStdoutStuck(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{})
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "event: tree\ndata: {}\n\n")
		_ = http.NewResponseController(w).Flush()
		close(asked)
		<-r.Context().Done()
	}))
	t.Cleanup(page.Close)
	_, write := fullPipe(t)
	r := unread(t, write, []string{"HTTP_LISTEN=" + page.Listener.Addr().String()}, "tree", "--watch", "--json")
	meet(t, asked)
	time.Sleep(300 * time.Millisecond) // for it to write; a signal before that stops it as well
	r.signal(syscall.SIGTERM)
	r.exits(shutdown, 0)
}
