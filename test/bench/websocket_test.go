package main

import (
	"net"
	"testing"
	"time"

	"chanmqttproxy/test/kit"
)

func TestPagesTable(t *testing.T) {
	t.Parallel()
	if text := pagesTable(nil); text != "" {
		t.Errorf("of nothing: %q", text)
	}
	one := func(scenario string, figures map[string]float64) result {
		return result{Scenario: scenario, Who: "worker", Figures: figures}
	}
	text := pagesTable([]result{
		one("websocket-latency", map[string]float64{rate: 200, "p50_ms": 2.5, p99: 5, "sent": 600, "dup": 1, "noise": 0.04}),
		one("websocket-rate", map[string]float64{
			rate: 1000, "per_frame": 1, "sent": 3000, "lost_msgs": 2, "secs": 2, "processors": 2,
			"cpu_daphne_s": 1.4, "queue": 91, "cpu_worker_s": 0.2, "cpu_redis_s": 0.1, "cpu_mosquitto_s": 0.04,
		}),
		one("websocket-rate-batch", map[string]float64{rate: 4000, "per_frame": 12.5, "sent": 400, "reordered": 3, "secs": 2, "processors": 2}),
	})
	wantLines(t, text,
		"| | one message an event | `batch` 100 |\n|---|--:|--:|\n",
		"| latency at 200 messages a second: median, ms | 2.5 | - |\n",
		"| the same: 99th percentile, ms | 5 | - |\n",
		"| messages a second at most | 1,000 | 4,000 |\n",
		"| messages in a frame then | 1 | 12.5 |\n",
		"| what was full then | Daphne: 91 events wait for it; it uses 0.70 of a processor, all together 0.9 of 2 | none: the messages under way |\n",
		"| CPU for a message then, µs: Daphne | 700 | 0 |\n",
		"| the same: the worker | 100 | 0 |\n",
		"\nOf 4,000 messages 2 were lost, 1 came twice and 3 out of order. Runs: up to 1. Other programs took 4 % of the machine at most.\n",
	)
}

// TestPage: a page gets what a device publishes, each message in a frame or several.
func TestPage(t *testing.T) {
	t.Parallel()
	redis, mqtt := kit.Redis(t), kit.Mosquitto(t)
	kit.Worker(t, []string{"REDIS_URL=" + redis.URL(), "MQTT_HOST=" + mqtt.Addr()}, "run")
	r := &rig{ctx: t.Context()}
	_, r.redis, _ = net.SplitHostPort(redis.Addr())
	_, r.mqtt, _ = net.SplitHostPort(mqtt.Addr())
	_, address := r.daphne(t, kit.SitePython(t), "python")
	for _, batch := range []int{1, pageBatch} {
		f, err := r.newPageFlow(address, batch)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.publishWithin(50, 200*time.Millisecond); err != nil {
			t.Fatal(err)
		}
		if !f.wait(settleTimeout, f.allCame) {
			t.Error("not all came")
		}
		sent, came, frames := f.counts()
		if sent == 0 || came != sent || frames == 0 || frames > sent || batch == 1 && frames != sent {
			t.Errorf("batch %d: of %d sent %d came in %d frames", batch, sent, came, frames)
		}
		if a := account(f.sent, f.arrivals, 0); a["lost_msgs"] != 0 || a["reordered"] != 0 {
			t.Errorf("batch %d: %v", batch, a)
		}
		f.close()
	}
}
