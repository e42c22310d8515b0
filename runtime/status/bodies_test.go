package status_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"chanmqttproxy/runtime/status"
)

// bodied serves a handler at /read that reads its request's body and tells what came of
// it, and one at /stream that stays until its client has gone, and tells so.
func bodied(t *testing.T) (addr string, read chan error, gone chan struct{}) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	read, gone = make(chan error, 100), make(chan struct{}, 100)
	s := status.New(l, options())
	s.Handle("/read", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		read <- err
	}))
	s.Handle("/stream", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		gone <- struct{}{}
	}))
	done := make(chan error)
	go func() { done <- s.Serve() }()
	t.Cleanup(func() {
		s.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String(), read, gone
}

// begin opens a connection and writes the beginning of a request.
func begin(t *testing.T, addr, head, body string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if _, err := fmt.Fprintf(c, "%s HTTP/1.1\r\nHost: localhost\r\n%s", head, body); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestStalledBodies: whoever sends a part of a body, or a byte now and then, holds no
// handler for longer than a body may take.
func TestStalledBodies(t *testing.T) {
	t.Parallel()
	addr, read, _ := bodied(t)
	for _, body := range []string{
		"Content-Length: 1000000\r\n\r\n", "Content-Length: 10\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n5\r\nab",
	} {
		begin(t, addr, "POST /read", body)
	}
	slow := begin(t, addr, "POST /read", "Content-Length: 1000\r\n\r\n")
	go func() {
		for _, err := slow.Write([]byte("x")); err == nil; _, err = slow.Write([]byte("x")) {
			time.Sleep(100 * time.Millisecond)
		}
	}()
	timeout := time.After(30 * time.Second)
	for range 4 {
		select {
		case err := <-read:
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("a stalled body was read to its end: %v", err)
			}
		case <-timeout:
			t.Fatal("a handler waits for a body that does not come")
		}
	}
	slow.Close()
}

// TestBodyOfGet: no handler of a GET reads a body, so none is waited for, and a stream
// that has one would not see its client go.
func TestBodyOfGet(t *testing.T) {
	t.Parallel()
	addr, _, gone := bodied(t)
	for _, head := range []string{"GET /stream", "GET /livez", "HEAD /metrics", "DELETE /read"} {
		c := begin(t, addr, head, "Content-Length: 1000000\r\n\r\n")
		_ = c.SetReadDeadline(time.Now().Add(30 * time.Second))
		if line, err := bufio.NewReader(c).ReadString('\n'); err != nil || !strings.Contains(line, " 400 ") {
			t.Errorf("%s with a body: %q %v, want 400", head, line, err)
		}
	}
	if len(gone) > 0 {
		t.Error("a GET with a body reached its handler")
	}
}

// TestLongAnswer: what came whole may be answered for longer than a body may take, and
// the answer ends when its client goes.
func TestLongAnswer(t *testing.T) {
	t.Parallel()
	addr, _, gone := bodied(t)
	for _, c := range []net.Conn{
		begin(t, addr, "GET /stream", "\r\n"), begin(t, addr, "POST /stream", "Content-Length: 3\r\n\r\nabc"),
	} {
		_ = c.SetReadDeadline(time.Now().Add(30 * time.Second))
		if line, err := bufio.NewReader(c).ReadString('\n'); err != nil || !strings.Contains(line, " 200 ") {
			t.Fatalf("%q %v, want 200", line, err)
		}
		select {
		case <-gone:
			t.Error("the answer ended while its client was there")
		case <-time.After(6 * time.Second):
		}
		c.Close()
		select {
		case <-gone:
		case <-time.After(30 * time.Second):
			t.Fatal("the answer goes on when its client has gone")
		}
	}
}
