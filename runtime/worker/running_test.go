package worker_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"go.uber.org/goleak"

	"chanmqttproxy/runtime/config"
	"chanmqttproxy/runtime/embedded"
	"chanmqttproxy/runtime/systemd"
	"chanmqttproxy/runtime/worker"
	"chanmqttproxy/test/kit"
)

// TestMain waits for the actor library to end what it throttles dead letters with.
func TestMain(m *testing.M) {
	code := m.Run()
	leak := goleak.Find()
	for until := time.Now().Add(10 * time.Second); leak != nil && time.Now().Before(until); {
		leak = goleak.Find()
	}
	if leak != nil && code == 0 {
		fmt.Fprintln(os.Stderr, leak)
		code = 1
	}
	os.Exit(code)
}

const soon = 30 * time.Second

// running is a worker of which HTTP is asked.
type running struct {
	*testing.T
	worker *worker.Worker
	base   string
	stop   func()
}

// start runs a worker between a Redis and a broker; environ adds to what it is
// configured with.
func start(t *testing.T, environ ...string) *running {
	t.Helper()
	return startUnder(t, systemd.Manager{}, environ...)
}

// startUnder is start under a service manager.
func startUnder(t *testing.T, m systemd.Manager, environ ...string) *running {
	t.Helper()
	return startLogging(t, slog.DiscardHandler, m, environ...)
}

// startLogging is startUnder with a log.
func startLogging(t *testing.T, log slog.Handler, m systemd.Manager, environ ...string) *running {
	t.Helper()
	cfg, err := config.Load(config.Input{Environ: environ})
	if err != nil {
		t.Fatal(err)
	}
	w := worker.New(cfg, slog.New(log))
	w.Version, w.Manager = "v1.2.3", m
	addr, err := w.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- w.Run(ctx) }()
	r := &running{T: t, worker: w, base: "http://" + addr.String()}
	r.stop = func() {
		r.stop = func() {}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(func() { r.stop() })
	return r
}

// get asks once; no connection is kept.
func (r *running) get(path string) (int, string) {
	r.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get(r.base + path)
	if err != nil {
		r.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		r.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

func (r *running) becomes(path string, code int, part string) {
	r.Helper()
	kit.Eventually(r.T, soon, fmt.Sprintf("%s is %d with %q", path, code, part), func() bool {
		c, body := r.get(path)
		return c == code && strings.Contains(body, part)
	})
}

// metric is the value in one line of /metrics; "": there is none.
func (r *running) metric(name string) string {
	r.Helper()
	_, body := r.get("/metrics")
	for line := range strings.Lines(body) {
		if value, ok := strings.CutPrefix(line, "chanmqttproxy_"+name+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func startRedis(t *testing.T) string {
	t.Helper()
	server, err := embedded.Redis("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return "REDIS_URL=redis://" + server.Addr()
}

func broker(t *testing.T, address string) *embedded.BrokerServer {
	t.Helper()
	server, err := embedded.Broker(address, embedded.BrokerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return server
}

// TestReadiness: a worker is ready as long as both sides are there.
func TestReadiness(t *testing.T) {
	t.Parallel()
	address := fmt.Sprintf("127.0.0.1:%d", kit.FreePort(t))
	redis, err := embedded.Redis("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, "REDIS_URL=redis://"+redis.Addr(), "MQTT_HOST="+address)
	r.becomes("/readyz", 503, "no connection to the MQTT broker")
	r.becomes("/livez", 200, `{"live":true}`)
	b := broker(t, address)
	r.becomes("/readyz", 200, `{"ready":true}`)
	b.Close()
	r.becomes("/readyz", 503, `"ready":false`)
	redis.Close()
	r.becomes("/readyz", 503, `"Redis is unreachable"`)
	r.becomes("/readyz", 503, `"no connection to the MQTT broker`)
	r.becomes("/livez", 200, `{"live":true}`)
}

// TestMetrics: the metrics are as Prometheus wants them, and tell what happens.
func TestMetrics(t *testing.T) {
	t.Parallel()
	r := start(t, startRedis(t), "MQTT_HOST="+broker(t, "127.0.0.1:0").Addr(), "COMMAND_WINDOW=7", "MQTT_KEEPALIVE=1")
	r.becomes("/readyz", 200, "")
	kit.Eventually(t, soon, "a round trip to the broker", func() bool { return r.metric("mqtt_round_trip_seconds_count") != "0" })
	for name, want := range map[string]string{
		"ready": "1", "redis_connected": "1", "mqtt_connected": "1", "mqtt_connects_total": "1", "subscriptions": "0", "commands_limit": "7",
		`mqtt_protocol{version="5"}`: "1", `mqtt_protocol{version="3.1.1"}`: "0", `messages_dropped_total{reason="full"}`: "0",
		"queues": "0", "queues_full": "0", "queue_fill_ratio": "0", "messages_in_flight": "0", `actor_mailbox_messages{kind="router"}`: "0", `actor_mailbox_messages{kind="group"}`: "0", "delivery_seconds_count": "0", `delivery_seconds_bucket{le="+Inf"}`: "0",
	} {
		if got := r.metric(name); got != want {
			t.Errorf("%s is %q, want %s", name, got, want)
		}
	}
	r.becomes("/metrics", 200, "chanmqttproxy_redis_round_trip_seconds{host=")
	_, body := r.get("/metrics")
	problems, err := promlint.New(strings.NewReader(body)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	if !strings.Contains(body, `version="v1.2.3"`) {
		t.Error("the version is not told")
	}
}

// TestListenTaken: a worker that cannot be watched as configured does not start.
func TestListenTaken(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	cfg, err := config.Load(config.Input{Environ: []string{"HTTP_LISTEN=" + l.Addr().String()}})
	if err != nil {
		t.Fatal(err)
	}
	if err := worker.New(cfg, slog.New(slog.DiscardHandler)).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "HTTP_LISTEN") {
		t.Errorf("it started: %v", err)
	}
}

// TestWatchersKnowTheMetrics: what dashboard and alerts ask for is there.
func TestWatchersKnowTheMetrics(t *testing.T) {
	t.Parallel()
	url := startRedis(t)
	named(t, strings.TrimPrefix(url, "REDIS_URL="), "meters")
	r := start(t, url, "MQTT_HOST="+broker(t, "127.0.0.1:0").Addr())
	r.becomes("/readyz", 200, "")
	r.becomes("/metrics", 200, "chanmqttproxy_redis_round_trip_seconds{host=")
	_, body := r.get("/metrics")
	there := map[string]bool{}
	for line := range strings.Lines(body) {
		there[line[:strings.IndexAny(line, "{ ")]] = true
	}
	for _, path := range []string{"../deploy/grafana/dashboard.json", "../deploy/prometheus/alerts.yaml"} {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		names := regexp.MustCompile(`(chanmqttproxy|process|go)_[a-z0-9_]+`).FindAllString(string(content), -1)
		if len(names) == 0 {
			t.Errorf("%s asks for nothing", path)
		}
		for _, name := range names {
			if !there[name] && !strings.HasPrefix(name, "chanmqttproxy_handler_") { // those are Python's
				t.Errorf("%s asks for %s, which is not there", path, name)
			}
		}
	}
}
