package devpage_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/devpage"
	"chanmqttproxy/test/kit"
	"chanmqttproxy/test/probe"
)

// bench is a page of real actors between two stand-ins.
type bench struct {
	*testing.T
	layer  *probe.Layer
	broker *probe.Broker
	tree   *actors.Tree
	log    *slog.Logger
	page   *devpage.Page
	url    string
	client *http.Client
}

// oneQueue is a Redis that has one queue.
type oneQueue struct{}

func (oneQueue) Queues(_ context.Context, targets []messages.Target) ([]messages.QueueInfo, error) {
	return []messages.QueueInfo{{Name: "specific.x!", Length: 100, Capacity: 100, Members: len(targets)}}, nil
}

func (oneQueue) Ping(context.Context) error { return nil }

func (oneQueue) DeadLetters(_ context.Context, offset, limit int) (any, int, error) {
	return []int{offset, limit}, 120, nil
}

// RequeueDeadLetters knows one letter.
func (oneQueue) RequeueDeadLetters(_ context.Context, ids ...string) (int, error) {
	return len(slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return id != "a" })), nil
}

func (q oneQueue) DropDeadLetters(ctx context.Context, ids ...string) (int, error) {
	return q.RequeueDeadLetters(ctx, ids...)
}

// server notes what is done to it.
type server struct{ did []string }

func (s *server) Start() error  { s.did = append(s.did, "start"); return nil }
func (s *server) Running() bool { return false }
func (s *server) Stop()         { s.did = append(s.did, "stop") }

// open makes a page.
func open(t *testing.T, change func(*devpage.Options)) *bench {
	t.Helper()
	b := &bench{T: t, layer: probe.NewLayer(), broker: probe.NewBroker(), client: &http.Client{
		Transport: &http.Transport{}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	lines := devpage.NewLog()
	b.log = slog.New(lines.Handler(slog.NewTextHandler(io.Discard, nil)))
	options := actors.Options{Layer: b.layer, MQTT: b.broker, Log: b.log}
	b.tree = actors.New(options)
	slot := b.tree.Start(options)
	o := devpage.Options{
		About: devpage.About{Version: "v1", Dev: true, MayAct: true, ShowPayloads: true},
		Tree:  b.tree, Layer: oneQueue{}, Stats: b.tree.Stats().Numbers, Log: lines, Loopback: true,
	}
	if change != nil {
		change(&o)
	}
	b.page = devpage.New(o)
	server := httptest.NewServer(b.page.Handler())
	b.url = server.URL
	t.Cleanup(func() {
		b.page.Close()
		server.Close()
		b.client.CloseIdleConnections()
		slot.Shutdown()
		<-slot.Done()
	})
	kit.Eventually(t, 20*time.Second, "the tree is up", b.broker.Connected)
	return b
}

// ask asks, with headers in pairs, and returns the status and the text.
func (b *bench) ask(method, path, body string, headers ...string) (int, string, http.Header) {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), method, b.url+path, strings.NewReader(body))
	must(b.T, err)
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := b.client.Do(r)
	must(b.T, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	must(b.T, err)
	return answer.StatusCode, string(text), answer.Header
}

// get reads JSON, post has something done.
func (b *bench) get(path string, into any) {
	b.Helper()
	status, text, _ := b.ask("GET", path, "")
	if status != 200 {
		b.Fatalf("%s: %d %s", path, status, text)
	}
	must(b.T, json.Unmarshal([]byte(text), into))
}

func (b *bench) post(path, body string, wants int) string {
	b.Helper()
	status, text, _ := b.ask("POST", path, body, "X-Chanmqttproxy", "1")
	if status != wants {
		b.Errorf("%s %s: %d %s, want %d", path, body, status, text, wants)
	}
	return text
}

// events are those of a stream, as name and data, until the test ends.
func (b *bench) events(path string) <-chan [2]string {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), "GET", b.url+path, nil)
	must(b.T, err)
	answer, err := b.client.Do(r)
	must(b.T, err)
	if answer.StatusCode != 200 {
		b.Fatal(answer.Status)
	}
	events := make(chan [2]string, 1000)
	go func() {
		defer answer.Body.Close()
		defer close(events)
		lines := bufio.NewScanner(answer.Body)
		lines.Buffer(nil, 16<<20)
		name := ""
		for lines.Scan() {
			if n, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
				name = n
			}
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				events <- [2]string{name, data}
			}
		}
	}()
	return events
}

// wait waits for an event that holds the text.
func (b *bench) wait(events <-chan [2]string, name, text string) string {
	b.Helper()
	late := time.After(20 * time.Second)
	for {
		select {
		case e, open := <-events:
			if e[0] == name && strings.Contains(e[1], text) {
				return e[1]
			}
			if !open {
				b.Fatalf("the stream ended before %s with %q", name, text)
			}
		case <-late:
			b.Fatalf("no %s with %q", name, text)
		}
	}
}

// subscribe has a group subscribe, and waits until it has.
func (b *bench) subscribe(filter, group string) {
	b.Helper()
	b.layer.Put(messages.SubscribeCommand{Filter: filter, Targets: []messages.Target{{Name: group}}})
	kit.Eventually(b.T, 20*time.Second, "the broker has the filter", func() bool { _, ok := b.broker.Filters()[filter]; return ok })
}
