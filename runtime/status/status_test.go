package status_test

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"chanmqttproxy/runtime/status"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// address lets a test say that a listener on loopback is another one.
type address struct {
	net.Listener
	addr net.Addr
}

func (a address) Addr() net.Addr { return a.addr }

// options are those of a worker that is well.
func options() status.Options {
	return status.Options{
		Live:    func() error { return nil },
		Ready:   func() status.Readiness { return status.Readiness{Ready: true} },
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "up 1\n") }),
		Log:     slog.New(slog.DiscardHandler),
	}
}

// serve starts a server and returns where it really listens.
func serve(t *testing.T, o status.Options, public bool) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	real := l.Addr().String()
	if public {
		l = address{l, &net.TCPAddr{IP: net.IPv4zero, Port: 1}}
	}
	s := status.New(l, o)
	s.Handle("/page", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "page") }))
	done := make(chan error)
	go func() { done <- s.Serve() }()
	t.Cleanup(func() {
		s.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return real
}

// get asks for a path under a name for the host; "": the address.
func get(t *testing.T, addr, path, host string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, strings.TrimSpace(string(body))
}

func wants(t *testing.T, addr, path, host string, code int, body string) {
	t.Helper()
	if c, b := get(t, addr, path, host); c != code || body != "" && b != body {
		t.Errorf("%s as %q: %d %s, want %d %s", path, host, c, b, code, body)
	}
}

func TestWell(t *testing.T) {
	t.Parallel()
	addr := serve(t, options(), false)
	wants(t, addr, "/livez", "", 200, `{"live":true}`)
	wants(t, addr, "/readyz", "", 200, `{"ready":true}`)
	wants(t, addr, "/metrics", "", 200, "up 1")
	wants(t, addr, "/page", "", 200, "page")
	wants(t, addr, "/debug/pprof/", "", 404, "")
	wants(t, addr, "/", "", 404, "")
}

func TestUnwell(t *testing.T) {
	t.Parallel()
	o := options()
	o.Live = func() error { return errors.New("the router hangs") }
	o.Ready = func() status.Readiness { return status.Readiness{Reasons: []string{"no Redis", "no broker"}} }
	addr := serve(t, o, false)
	wants(t, addr, "/livez", "", 503, `{"live":false,"reason":"the router hangs"}`)
	wants(t, addr, "/readyz", "", 503, `{"ready":false,"reasons":["no Redis","no broker"]}`)
}

func TestRebinding(t *testing.T) {
	t.Parallel()
	addr := serve(t, options(), false)
	for _, host := range []string{"localhost", "localhost:8083", "127.0.0.1", "127.1.2.3:1", "[::1]", "[::1]:8083"} {
		wants(t, addr, "/readyz", host, 200, "")
	}
	for _, host := range []string{"evil.example", "evil.example:8083", "10.0.0.1", "localhost.evil.example", "[", "127.0.0.1.evil.example"} {
		wants(t, addr, "/readyz", host, 421, "")
		wants(t, addr, "/page", host, 421, "")
	}
}

// TestBeyondLoopback: everybody sees health and metrics, and nothing else.
func TestBeyondLoopback(t *testing.T) {
	t.Parallel()
	o := options()
	o.Pprof = true
	addr := serve(t, o, true)
	for path, code := range map[string]int{"/livez": 200, "/readyz": 200, "/metrics": 200, "/page": 404, "/debug/pprof/": 404, "/debug/pprof/heap": 404} {
		wants(t, addr, path, "worker.example:8083", code, "")
	}
}

func TestProfilesOnRequest(t *testing.T) {
	t.Parallel()
	o := options()
	o.Pprof = true
	addr := serve(t, o, false)
	wants(t, addr, "/debug/pprof/", "", 200, "")
	wants(t, addr, "/debug/pprof/cmdline", "", 200, "")
	wants(t, addr, "/debug/pprof/", "evil.example", 421, "")
}

func TestReadOnly(t *testing.T) {
	t.Parallel()
	addr := serve(t, options(), true)
	answer, err := http.Post("http://"+addr+"/livez", "text/plain", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %s", answer.Status)
	}
	http.DefaultClient.CloseIdleConnections()
}
