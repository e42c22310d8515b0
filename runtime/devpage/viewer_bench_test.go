package devpage_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"testing"
	"time"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/devpage"
	"chanmqttproxy/test/kit"
	"chanmqttproxy/test/probe"
)

// BenchmarkViewer is what one who looks at the page costs a worker with 10,000
// subscriptions that is as busy as it can be: messages a second with a viewer against
// those without, in turns, the median. -benchtime=20x says something, if the machine is
// quiet.
func BenchmarkViewer(b *testing.B) {
	tree, layer, broker, url := busy(b)
	const turn = time.Second // a viewer has one snapshot made a second
	run := func() float64 {
		layer.Unwrite() // each turn finds the same
		broker.Forget()
		runtime.GC()
		return passes(tree, broker, turn)
	}
	watched := func() float64 {
		ctx, leave := context.WithCancel(b.Context())
		defer leave()
		look(ctx, b, url)
		return run()
	}
	var ratios []float64
	for b.Loop() {
		if len(ratios)%2 == 0 {
			with := watched()
			ratios = append(ratios, with/run())
		} else {
			without := run()
			ratios = append(ratios, watched()/without)
		}
	}
	slices.Sort(ratios)
	b.ReportMetric(ratios[len(ratios)/2], "with/without")
}

// BenchmarkSnapshot is the look at 10,000 subscriptions that is taken once a second for all
// viewers. One goroutine takes it, so that it costs about as much CPU as time: 2 ms on an
// AMD EPYC, 6 ms the first time, a few thousandths of one core; the first on a busy machine
// took up to 38 ms.
func BenchmarkSnapshot(b *testing.B) {
	tree, _, _, _ := busy(b)
	for b.Loop() {
		if _, err := json.Marshal(tree.Watch()); err != nil {
			b.Fatal(err)
		}
	}
}

// busy is a tree with 10,000 subscriptions, its two sides, and the address of its page.
func busy(b *testing.B) (*actors.Tree, *probe.Layer, *probe.Broker, string) {
	b.Helper()
	layer, broker := probe.NewLayer(), probe.NewBroker()
	o := actors.Options{Layer: layer, MQTT: broker, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	tree := actors.New(o)
	slot := tree.Start(o)
	page := devpage.New(devpage.Options{Tree: tree, Layer: oneQueue{}, Stats: tree.Stats().Numbers, Log: devpage.NewLog(), Loopback: true})
	server := httptest.NewServer(page.Handler())
	b.Cleanup(func() {
		page.Close()
		server.Close()
		slot.Shutdown()
		<-slot.Done()
		time.Sleep(2 * time.Second) // the library's dead-letter throttle ends
	})
	kit.Eventually(b, 20*time.Second, "the tree is up", broker.Connected)
	for i := range many {
		layer.Put(messages.SubscribeCommand{Filter: fmt.Sprintf("house/%d/x", i), Targets: []messages.Target{{Name: "house"}}})
	}
	kit.Eventually(b, time.Minute, "all are there", func() bool { return len(tree.OfKind("subscription", "")) == many })
	return tree, layer, broker, server.URL
}

// look begins to read what the page is told.
func look(ctx context.Context, b *testing.B, url string) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/api/events", nil)
	if err != nil {
		b.Fatal(err)
	}
	answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	if err != nil {
		b.Fatal(err)
	}
	go func() {
		_, _ = io.Copy(io.Discard, answer.Body) // until it leaves
		answer.Body.Close()
	}()
}

// passes is how many messages a second the tree gets rid of, with a few under way.
func passes(tree *actors.Tree, broker *probe.Broker, turn time.Duration) float64 {
	settled := &tree.Stats().Settled
	began, first := time.Now(), settled.Load()
	sent := first
	for time.Since(began) < turn {
		if sent-settled.Load() > 500 {
			time.Sleep(50 * time.Microsecond)
			continue
		}
		broker.Send(messages.Message{Topic: fmt.Sprintf("house/%d/x", sent%many), Payload: []byte("x"), QoS: 1})
		sent++
	}
	return float64(settled.Load()-first) / time.Since(began).Seconds()
}
