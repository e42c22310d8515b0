package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/paho"

	"chanmqttproxy/test/kit"
)

// TestPageCost is what the panels of the page cost the browser while a worker with 10,000
// filters takes 5,000 messages a second: all of Chromium's processes, drawing included, in
// hundredths of a core. It decides nothing, and runs with PAGE=cost on a quiet machine.
func TestPageCost(t *testing.T) {
	if os.Getenv("PAGE") != "cost" {
		t.Skip("PAGE=cost runs it: it takes two minutes, and measures")
	}
	const filters, rate = 10_000, 5000
	redis, broker, listen := kit.Redis(t), kit.Mosquitto(t), fmt.Sprint("127.0.0.1:", kit.FreePort(t))
	config := "subscriptions:\n"
	for i := range filters {
		config += fmt.Sprintf("  - {topic: house/%d/x, group: g%d}\n", i, i%50)
	}
	file := filepath.Join(t.TempDir(), "worker.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	worker := kit.PlainWorker(t, []string{"REDIS_URL=" + redis.URL(), "MQTT_HOST=" + broker.Addr(), "HTTP_LISTEN=" + listen, "HTTP_ACT=true"}, "run", "--config", file)
	kit.Eventually(t, time.Minute, "the page is served", func() bool { return kit.Answers(listen, nil, time.Second) })
	device := kit.NewDevice5(t, broker.Addr())
	page := kit.Browser(t)
	page.Size(1280, 800)
	page.Open("http://" + listen + "/")
	page.Wait(time.Minute, `document.querySelector('#at-subs .value').textContent.startsWith('10,000')`)

	stop := make(chan struct{})
	sent := make(chan int)
	go func() { // as evenly as it can
		n, began := 0, time.Now()
		for {
			select {
			case <-stop:
				sent <- n
				return
			case <-time.After(10 * time.Millisecond):
			}
			for ; n < int(time.Since(began).Seconds()*rate); n++ {
				device.Publish(&paho.Publish{Topic: fmt.Sprintf("house/%d/x", n%filters), Payload: []byte(`{"value": 21.5}`)})
			}
		}
	}()
	began := time.Now()
	measure := func(what string, do func()) {
		do()
		time.Sleep(3 * time.Second)
		const span = 10 * time.Second
		before, was := browserTime(t), scrape(t, listen)["messages_received_total"]
		for end := time.Now().Add(span); time.Now().Before(end); time.Sleep(2 * time.Second) {
			if what == "follow" { // one picture after the other
				kit.Script[any](page, `document.querySelector('#follow-publish').click(); null`)
			}
		}
		passed := scrape(t, listen)["messages_received_total"] - was
		t.Logf("%s: %.1f %% of a core, %.0f messages a second", what, 100*(browserTime(t)-before).Seconds()/span.Seconds(), passed/span.Seconds())
	}
	tab := func(name string) func() { return func() { page.Click("#tab-" + name) } }
	measure("nothing", func() { page.Open("about:blank") })
	measure("overview", func() { page.Open("http://" + listen + "/") })
	measure("traffic", tab("traffic"))
	measure("follow", func() {
		page.Click("#tab-follow")
		page.Type("#follow-topic", "house/77/x")
	})
	close(stop)
	n := <-sent
	t.Logf("%.0f messages a second were sent", float64(n)/time.Since(began).Seconds())
	worker.Stop()
}

// browserTime is the processor time that the Chromiums below this process have taken.
func browserTime(t *testing.T) (sum time.Duration) {
	t.Helper()
	parents, times := map[int]int{}, map[int]time.Duration{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		head, tail, _ := strings.Cut(string(text), " (")
		name, rest, _ := strings.Cut(tail, ") ")
		fields := strings.Fields(rest)
		pid, _ := strconv.Atoi(head)
		parents[pid], _ = strconv.Atoi(fields[1])
		if strings.HasPrefix(name, "chrom") {
			for _, ticks := range fields[11:13] {
				n, _ := strconv.Atoi(ticks)
				times[pid] += time.Duration(n) * 10 * time.Millisecond
			}
		}
	}
	for pid, spent := range times {
		above := pid
		for above > 1 && above != os.Getpid() {
			above = parents[above]
		}
		if above == os.Getpid() {
			sum += spent
		}
	}
	return sum
}
