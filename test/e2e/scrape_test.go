package e2e_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"chanmqttproxy/test/kit"
)

// scrape reads the metrics of a worker: values by name and labels.
func scrape(t *testing.T, address string) map[string]float64 {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get("http://" + address + "/metrics")
	if err != nil {
		t.Errorf("asking for metrics: %v", err)
		return nil
	}
	defer answer.Body.Close()
	return samples(t, answer.Body)
}

func samples(t *testing.T, from io.Reader) map[string]float64 {
	values := map[string]float64{}
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		line := lines.Text()
		name, ours := strings.CutPrefix(line, "chanmqttproxy_")
		at := strings.LastIndexByte(name, ' ')
		if !ours || at < 0 {
			continue
		}
		value, err := strconv.ParseFloat(name[at+1:], 64)
		if err != nil {
			t.Errorf("%s: %v", line, err)
		}
		values[name[:at]] = value
	}
	return values
}

// sane checks what must hold at any moment, and since an earlier one.
func sane(t *testing.T, before, now map[string]float64) {
	for name, value := range now {
		bare, _, _ := strings.Cut(name, "{")
		counts := strings.HasSuffix(bare, "_total") || strings.HasSuffix(bare, "_count") || strings.HasSuffix(bare, "_bucket")
		if counts && value < before[name] || value < 0 && bare != "redis_clock_difference_seconds" && bare != "clock_skew_seconds" {
			t.Errorf("%s is %v after %v", name, value, before[name])
		}
	}
}

// TestScrapeUnderLoad: while messages go both ways the metrics are sane, and at the
// end they are what devices, brokers and the site have counted.
func TestScrapeUnderLoad(t *testing.T) {
	t.Parallel()
	const sensors, each, commands, bad = 4, 300, 200, 3
	redis, broker := kit.Redis(t), kit.Mosquitto(t)
	listen := fmt.Sprintf("127.0.0.1:%d", kit.FreePort(t))
	s := &deployment{redis: redis, broker: broker.Addr(), worker: run(t, redis, broker.URL(), "HTTP_LISTEN="+listen)}
	one := s.testCase(t)
	two := s.member(t, one.topic+"-two")
	one.subscribes(one.topic + "/in/+")
	one.succeeds(kit.Subscribe(one.topic+"/in/+", one.topic+"-two", 1), "mqtt.subscribed")

	var load, watch sync.WaitGroup
	over := make(chan struct{})
	watch.Go(func() {
		for before := map[string]float64{}; ; {
			now := scrape(t, listen)
			sane(t, before, now)
			before = now
			select {
			case <-over:
				return
			default:
			}
		}
	})
	unwatch := sync.OnceFunc(func() {
		close(over)
		watch.Wait()
	})
	defer unwatch()
	for i := range sensors {
		sensor := kit.NewSensor(t, s.broker)
		load.Go(func() {
			for n := range each {
				sensor.Send(fmt.Sprintf("%s/in/%d", one.topic, i), 1, strconv.Itoa(n))
			}
		})
	}
	load.Go(func() {
		for n := range commands {
			one.django.Send(kit.Publish(one.topic+"/out", n, 1))
		}
		for range bad {
			one.django.Send(kit.Publish("no/+/topic", "", 1))
		}
	})
	load.Wait()
	got := func(m *consumer) int { return len(m.events()) }
	one.await("everything comes", func() bool { return got(one.consumer) == sensors*each && got(two) == sensors*each })
	want := map[string]float64{
		"messages_received_total": sensors * each, "messages_written_total": 2*sensors*each + 2, // the answers too
		"messages_unmatched_total": 0, "delivery_seconds_count": 2 * sensors * each, "acknowledgement_seconds_count": sensors * each,
		`publishes_total{result="done"}`: commands, "commands_received_total": commands + bad + 2,
		`commands_refused_total{reason="not_understood"}`: bad, "subscriptions": 1, "queues": 2, "queues_full": 0, "queue_fill_ratio": 0,
		"messages_in_flight": 0, "messages_in_overflow": 0, "commands_in_flight": 0, "backlog_bytes": 0,
		`actor_mailbox_messages{kind="group"}`: 0, `actor_mailbox_messages{kind="router"}`: 0, `messages_dropped_total{reason="full"}`: 0,
	}
	var wrong []string
	defer func() {
		if t.Failed() {
			t.Logf("not as it should be: %q", wrong)
		}
	}()
	one.await("it is all counted", func() bool {
		wrong = differences(scrape(t, listen), want)
		return len(wrong) == 0
	})
	unwatch()
	s.worker.Stop()
}

func differences(now, want map[string]float64) (list []string) {
	for name, value := range want {
		if got, there := now[name]; got != value || !there {
			list = append(list, fmt.Sprintf("%s is %v, not %v", name, got, value))
		}
	}
	return list
}
