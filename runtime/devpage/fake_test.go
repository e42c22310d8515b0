package devpage_test

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/devpage"
)

// fake is a worker as the page sees it, with data that change.
type fake struct {
	mu     sync.Mutex
	began  time.Time
	away   bool // the MQTT broker is
	failed time.Time
	rows   []messages.SubscriptionRow
	life   []messages.LifeEvent
	acts   []string
	drops  int
}

// serve starts the page on a fake worker with so many subscriptions.
func serve(t testing.TB, subscriptions int) (*fake, string) {
	t.Helper()
	f := &fake{began: time.Now().Add(-7 * time.Minute)}
	for i := range subscriptions {
		f.subscribe(filterOf(i), uint64(i)*37%9001)
	}
	for i, path := range fixed {
		f.tell(f.began.Add(time.Duration(i)*3*time.Millisecond), path, "started", "")
	}
	f.tell(f.began.Add(80*time.Millisecond), connection, "connected", "to mqtt://127.0.0.1:1883, MQTT 5")
	mux := http.NewServeMux()
	f.routes(mux)
	mux.Handle("/", devpage.Assets())
	server := httptest.NewServer(mux)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return f, server.URL + "/"
}

const connection = "bridge/session/connection"

var fixed = []string{
	"bridge", "bridge/session", connection, "bridge/commands", "bridge/commands/reader",
	"bridge/store", "bridge/requests", "bridge/router",
}

func filterOf(i int) string {
	rooms := []string{"kitchen", "cellar", "attic", "hall", "garden"}
	things := []string{"temperature", "humidity", "door/+/state", "power/#", "lamp/state"}
	return fmt.Sprintf("house/%d/%s/%s", i/25, rooms[i%5], things[i/5%5])
}

func (f *fake) subscribe(filter string, count uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := len(f.rows)
	r := messages.SubscriptionRow{Path: fmt.Sprintf("bridge/router/subscription:%s~%d", url.PathEscape(filter), n+1)}
	r.Filter, r.Asked, r.Granted, r.Answered, r.Messages = filter, 1, byte(n%2), true, count
	r.LastAt, r.LastTopic = time.Now().Add(-time.Duration(n%300)*time.Second), strings.NewReplacer("+", "front", "#", "total").Replace(filter)
	r.Subscribers = []messages.SubscriberInfo{{Target: messages.Target{Name: fmt.Sprintf("house-%d", n/25)}, Options: messages.Options{QoS: 1}, Delivers: true}}
	if n%40 == 3 {
		r.Subscribers = append(r.Subscribers, messages.SubscriberInfo{Target: messages.Target{Kind: messages.Channel, Name: "specific.4f1c!aa31"}, Options: messages.Options{Overflow: messages.OverflowLatest, MinInterval: 500 * time.Millisecond}})
	}
	f.rows = append(f.rows, r)
}

func (f *fake) tell(at time.Time, path, what, text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	name := path[strings.LastIndexByte(path, '/')+1:]
	f.life = append(f.life, messages.LifeEvent{Seq: uint64(len(f.life)) + 1, At: at, Path: path, Kind: strings.Split(name, ":")[0], What: what, Text: text})
}

// loseBroker takes the MQTT broker away, or gives it back.
func (f *fake) loseBroker(away bool) {
	f.mu.Lock()
	f.away, f.failed = away, time.Now()
	f.mu.Unlock()
	if !away {
		f.tell(time.Now(), connection, "connected", "to mqtt://127.0.0.1:1883, MQTT 5, session resumed")
		return
	}
	f.tell(time.Now(), connection, "failed", "lost the connection to mqtt://127.0.0.1:1883: EOF")
	f.tell(time.Now(), connection, "restarted", "")
	f.tell(time.Now(), connection, "waiting", "1.3s before attempt 2")
	f.tell(time.Now(), connection, "failed", "dialing broker mqtt://127.0.0.1:1883: connection refused")
}

// forgive has all failures be long ago.
func (f *fake) forgive() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failed = f.began
}

func (f *fake) acted() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.acts)
}

// wave is a counter with a rate that goes up and down.
func (f *fake) wave(rate, phase float64) uint64 {
	s := time.Since(f.began).Seconds()
	return uint64(rate*s + rate*2*(1+math.Sin(s/5+phase)))
}

func (f *fake) actor(path string) messages.Actor {
	a := messages.Actor{
		Path: path, Kind: strings.Split(path[strings.LastIndexByte(path, '/')+1:], ":")[0], State: messages.StateRunning, Since: f.began,
		Handled: f.wave(3+float64(len(path)), float64(len(path))), Last: time.Duration(len(path)) * 700, Sent: f.wave(12, 1),
	}
	switch path {
	case "bridge/router":
		a.Handled = f.wave(1240, 0)
	case connection:
		a.Handled = f.wave(1350, 0)
		if f.away {
			a.Restarts, a.Since = 2, f.failed
		}
		if !f.failed.IsZero() {
			a.Failure = &messages.ActorFailure{At: f.failed, Text: "dialing broker mqtt://127.0.0.1:1883: connection refused"}
		}
	case "bridge/store":
		a.Restarts = 1
		a.Failure = &messages.ActorFailure{At: f.began.Add(3 * time.Minute), Text: "panic while handling messages.Keep: index out of range [3] with length 3", Stack: "goroutine 71 [running]:\nchanmqttproxy/actors.(*registry).keep(...)\n\tactors/registry.go:91"}
	}
	a.Info = f.info(path)
	return a
}

func (f *fake) info(path string) any {
	switch path {
	case "bridge":
		return messages.BridgeInfo{LayerUp: true, ConnectionUp: !f.away}
	case "bridge/session":
		state := messages.State{Connected: !f.away, Broker: "mqtt://127.0.0.1:1883", Version: 5, Since: f.began}
		if f.away {
			state.Reason, state.Since = "dialing broker mqtt://127.0.0.1:1883: connection refused", f.failed
		}
		return messages.SessionInfo{State: state, Filters: len(f.rows), UnderWay: 12}
	case connection:
		return messages.ConnectionInfo{Connection: 3, Version: "5", Live: !f.away, Info: messages.Connack{Version: 5, Broker: "mqtt://127.0.0.1:1883", ClientID: "chanmqttproxy-7f31", KeepAlive: 30, Present: true}}
	case "bridge/commands":
		return messages.CommandsInfo{UnderWay: 3, Window: 1024, LayerUp: true}
	}
	if i := slices.IndexFunc(f.rows, func(r messages.SubscriptionRow) bool { return r.Path == path }); i >= 0 {
		return f.rows[i].SubscriptionInfo
	}
	return nil
}

func (f *fake) tree() any {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := []messages.Actor{}
	for _, path := range fixed {
		list = append(list, f.actor(path))
	}
	in := f.wave(1180, 0)
	return map[string]any{
		"At": time.Now(), "Actors": list, "Servers": map[string]bool{"broker": !f.away},
		"Kinds": []messages.ActorKind{{Kind: "subscription", Actors: len(f.rows), Handled: f.wave(1210, .3), Sent: f.wave(1190, .4)}, {Kind: "group", Actors: len(f.rows)/25 + 1, Waiting: 2, Handled: f.wave(900, .6)}, {Kind: "channel", Actors: 14, Handled: f.wave(31, 2)}},
		"Stats": map[string]uint64{"Received": in, "Stored": f.wave(2300, .7), "Commands": f.wave(47, 3), "Published": f.wave(44, 3.1), "Unmatched": f.wave(2, 1), "Overflowed": uint64(f.drops), "WaitingBytes": 48123, "Paced": 14},
	}
}

// send writes one server-sent event.
func send(w http.ResponseWriter, event string, data any) {
	text, _ := json.Marshal(data)
	fmt.Fprintf(w, "event: %s\ndata: %s\n\n", event, text)
	w.(http.Flusher).Flush()
}

func (f *fake) events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	send(w, "about", map[string]any{"Version": "1.0", "Dev": true, "MayAct": true, "ShowPayloads": true, "Redis": "127.0.0.1:6379", "Broker": "127.0.0.1:1883", "Channel": "mqtt"})
	send(w, "log", map[string]any{"At": time.Now(), "Level": "INFO", "Text": "connected", "Attrs": map[string]any{"broker": "mqtt://127.0.0.1:1883", "version": 5}})
	send(w, "log", map[string]any{"At": time.Now(), "Level": "WARN", "Text": "a command that can't be understood", "Attrs": map[string]any{"error": "mqtt.subscribe: unknown key \"topik\""}})
	told := 0
	for tick := time.NewTicker(time.Second); ; {
		f.mu.Lock()
		fresh := slices.Clone(f.life[told:])
		told = len(f.life)
		f.mu.Unlock()
		if len(fresh) > 0 {
			send(w, "timeline", fresh)
		}
		send(w, "tree", f.tree())
		select {
		case <-tick.C:
		case <-r.Context().Done():
			tick.Stop()
			return
		}
	}
}

func (f *fake) tail(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	for i := 0; r.Context().Err() == nil; i++ {
		way := []string{"in", "in", "in", "out"}[i%4]
		m := map[string]any{"At": time.Now(), "Direction": way, "Topic": strings.NewReplacer("+", "front", "/#", "/total").Replace(filterOf(i * 7)), "Bytes": 14 + i%9, "QoS": i % 3, "Retain": i%5 == 0, "Payload": fmt.Sprintf(`{"value": %d.%d}`, 18+i%7, i%10)}
		send(w, "messages", map[string]any{"Messages": []any{m}, "Left": i % 2 * 4321})
		select {
		case <-time.After(300 * time.Millisecond):
		case <-r.Context().Done():
		}
	}
}
