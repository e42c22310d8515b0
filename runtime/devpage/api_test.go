package devpage_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/devpage"
	"chanmqttproxy/test/kit"
)

func (b *bench) send(topic, payload string) {
	b.broker.Send(messages.Message{Topic: topic, Payload: []byte(payload), QoS: 1})
}

func TestEvents(t *testing.T) {
	t.Parallel()
	b := open(t, nil)
	first, second := b.events("/api/events"), b.events("/api/events")
	b.wait(first, "about", `"Version":"v1"`)
	b.wait(first, "timeline", `"What":"connected"`)
	if tree := b.wait(first, "tree", `"bridge/session/connection"`); !strings.Contains(tree, `"Received":0`) {
		t.Error(tree)
	}
	b.subscribe("a", "alerts")
	b.log.Warn("something happened", "topic", "a")
	b.wait(first, "log", "something happened")
	b.wait(second, "tree", `"Kind":"subscription","Actors":1`)
	b.broker.Drop(messages.Network)
	b.wait(second, "timeline", `"What":"lost"`)
	b.page.Close()
	for range first {
	}
}

func TestQuestions(t *testing.T) {
	t.Parallel()
	b := open(t, nil)
	for i := range 12 {
		b.subscribe(fmt.Sprintf("a/%02d", i), "alerts")
	}
	b.subscribe("a/+", "lobby")
	b.send("a/03", "x")
	kit.Eventually(t, 20*time.Second, "it is acknowledged", func() bool { return len(b.broker.Acked()) == 1 })

	var list struct {
		Total int
		Rows  []messages.SubscriptionRow
	}
	b.get("/api/subscriptions?sort=messages&desc=1&limit=3", &list)
	if list.Total != 13 || len(list.Rows) != 3 || list.Rows[0].Messages != 1 || len(list.Rows[0].Subscribers) != 1 {
		t.Errorf("%+v", list)
	}
	var actors struct {
		Total  int
		Actors []messages.Actor
	}
	b.get("/api/actors?kind=subscription&text=a/1&offset=1", &actors)
	if actors.Total != 2 || len(actors.Actors) != 1 {
		t.Errorf("%+v", actors)
	}
	var one map[string]any
	b.get("/api/actor?path="+strings.ReplaceAll(actors.Actors[0].Path, "%", "%25"), &one)
	if one["Info"].(map[string]any)["Filter"] != "a/11" {
		t.Errorf("%v", one)
	}
	var match struct {
		Error  string
		Routes []messages.RouteInfo
	}
	b.get("/api/match?topic=a/03", &match)
	if match.Error != "" || len(match.Routes) != 2 {
		t.Errorf("%+v", match)
	}
	b.get("/api/match?topic=a/%2B", &match)
	if match.Error == "" {
		t.Errorf("%+v", match)
	}
	var queues []messages.QueueInfo
	b.get("/api/queues", &queues)
	if len(queues) != 1 || queues[0].Length != 100 {
		t.Errorf("%+v", queues)
	}
	for path, status := range map[string]int{"/api/actor?path=bridge/nobody": 404, "/api/trace?id=77": 404, "/api/tail?filter=a/%23/b": 400} {
		if got, text, _ := b.ask("GET", path, ""); got != status {
			t.Errorf("%s: %d %s", path, got, text)
		}
	}
}

// away is a Redis that does not answer. Where no target is known nobody asks it for queues.
type away struct{ oneQueue }

func (away) Ping(context.Context) error { return errors.New("dialing redis: connection refused") }

func (away) Queues(context.Context, []messages.Target) ([]messages.QueueInfo, error) {
	return nil, nil
}

// TestQueuesUnknown: that no queue is known of is not told as that there is none.
func TestQueuesUnknown(t *testing.T) {
	t.Parallel()
	b := open(t, func(o *devpage.Options) { o.Layer = away{} })
	if status, text, _ := b.ask("GET", "/api/queues", ""); status != http.StatusServiceUnavailable || !strings.Contains(text, "connection refused") {
		t.Errorf("%d %s", status, text)
	}
}

func TestFollow(t *testing.T) {
	t.Parallel()
	b := open(t, nil)
	b.subscribe("a", "alerts")
	follow := func(text string) (words []string, done bool) {
		var begun struct{ Trace uint64 }
		must(t, json.Unmarshal([]byte(text), &begun))
		var trace messages.Trace
		b.get(fmt.Sprintf("/api/trace?id=%d", begun.Trace), &trace)
		for _, s := range trace.Steps {
			words = append(words, s.What)
		}
		return words, trace.Done
	}
	tail := b.events("/api/tail?filter=%23")
	one := b.post("/api/trace", `{"Topic": "a"}`, 200)
	b.send("a", "größe")
	kit.Eventually(t, 20*time.Second, "it is written", func() bool {
		words, done := follow(one)
		return done && slices.Contains(words, "written")
	})
	out := b.post("/api/publish", `{"Topic": "b", "Payload": "x", "QoS": 1}`, 200)
	kit.Eventually(t, 20*time.Second, "nobody gets it", func() bool {
		words, done := follow(out)
		return done && slices.Equal(words, []string{"publishing", "acknowledged", "unmatched"})
	})
	b.wait(tail, "messages", `"Payload":"größe"`)
	b.wait(tail, "messages", `"Direction":"out"`)
	b.post("/api/publish", `{"Topic": "c"}`, 200)
	b.wait(tail, "messages", `"Topic":"c","Bytes":0,"QoS":1,"Retain":false`)
	for body, status := range map[string]int{
		`{"Topic": "a/#"}`: 400, `{"Topic": "a", "QoS": 3}`: 400, `{"Topic": "a", "Qux": 3}`: 400, `x`: 400,
		`{"Topic": "a", "Payload": "` + strings.Repeat("x", 2<<20) + `"}`: 400,
	} {
		b.post("/api/publish", body, status)
	}
}

// TestTailOfMany: where many messages pass, a viewer gets the newest, a few times a second,
// and the number of the others.
func TestTailOfMany(t *testing.T) {
	t.Parallel()
	b := open(t, nil)
	tail := b.events("/api/tail?filter=%23")
	const sent = 500
	for i := range sent {
		b.send("a", fmt.Sprint(i))
	}
	left, shown, last := 0, 0, ""
	for left+shown < sent {
		var e devpage.Tailed
		must(t, json.Unmarshal([]byte(b.wait(tail, "messages", "")), &e))
		left, shown, last = left+e.Left, shown+len(e.Messages), e.Messages[len(e.Messages)-1].Payload
		if len(e.Messages) > 20 || e.Left > 0 && len(e.Messages) < 20 {
			t.Errorf("%d are shown, %d are not", len(e.Messages), e.Left)
		}
	}
	if last != fmt.Sprint(sent-1) {
		t.Errorf("the last of %d that is shown is %q, and %d are left out", sent, last, left)
	}
}

func TestActs(t *testing.T) {
	t.Parallel()
	s := &server{}
	b := open(t, func(o *devpage.Options) { o.Broker = s })
	events := b.events("/api/events")
	b.post("/api/act", `{"Action": "restart", "Path": "bridge/session/connection"}`, http.StatusOK)
	b.wait(events, "timeline", "failed by hand")
	b.post("/api/act", `{"Action": "disconnect"}`, http.StatusOK)
	b.post("/api/act", `{"Action": "stop-broker"}`, http.StatusOK)
	b.post("/api/act", `{"Action": "start-broker"}`, http.StatusOK)
	b.post("/api/act", `{"Action": "stop-redis"}`, http.StatusConflict)
	b.post("/api/act", `{"Action": "slow", "Path": "bridge/router", "Millis": 5}`, http.StatusConflict)
	b.post("/api/act", `{"Action": "restart", "Path": "bridge"}`, http.StatusConflict)
	b.post("/api/act", `{"Action": "explode"}`, http.StatusBadRequest)
	for _, action := range []string{"requeue-letters", "drop-letters"} {
		b.post("/api/act", `{"Action": "`+action+`", "IDs": ["a", "b"]}`, http.StatusOK)
		b.post("/api/act", `{"Action": "`+action+`", "IDs": ["b"]}`, http.StatusConflict)
		b.post("/api/act", `{"Action": "`+action+`"}`, http.StatusBadRequest)
	}
	if !slices.Equal(s.did, []string{"stop", "start"}) {
		t.Error(s.did)
	}
}

// TestLettersComeInPages: the page asks for as many dead letters as it shows.
func TestLettersComeInPages(t *testing.T) {
	t.Parallel()
	b := open(t, nil)
	var got struct {
		Total int
		Rows  []int // what Redis was asked for
	}
	b.get("/api/deadletters?offset=50&limit=50", &got)
	if got.Total != 120 || !slices.Equal(got.Rows, []int{50, 50}) {
		t.Errorf("%+v", got)
	}
}

// TestManyViewers: those beyond a number are sent away, and those who do not read
// are dropped, while others go on.
func TestManyViewers(t *testing.T) {
	t.Parallel()
	b := open(t, nil)
	var streams []<-chan [2]string
	for range 32 {
		streams = append(streams, b.events("/api/events"))
	}
	for _, path := range []string{"/api/events", "/api/tail?filter=%23"} {
		if status, text, _ := b.ask("GET", path, ""); status != http.StatusServiceUnavailable {
			t.Errorf("%d %s", status, text)
		}
	}
	b.wait(streams[31], "tree", "bridge")
}
