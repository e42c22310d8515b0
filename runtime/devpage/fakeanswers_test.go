package devpage_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

func (f *fake) subscriptions(query url.Values) any {
	list := slices.DeleteFunc(slices.Clone(f.rows), func(r messages.SubscriptionRow) bool { return !strings.Contains(r.Filter, query.Get("text")) })
	order := map[string]func(a, b messages.SubscriptionRow) int{
		"filter":   func(a, b messages.SubscriptionRow) int { return cmp.Compare(a.Filter, b.Filter) },
		"messages": func(a, b messages.SubscriptionRow) int { return cmp.Compare(a.Messages, b.Messages) },
		"last":     func(a, b messages.SubscriptionRow) int { return a.LastAt.Compare(b.LastAt) },
	}[query.Get("sort")]
	slices.SortStableFunc(list, order)
	if query.Get("desc") != "" {
		slices.Reverse(list)
	}
	return map[string]any{"Total": len(list), "Rows": page(list, query)}
}

func page[T any](list []T, query url.Values) []T {
	offset, _ := strconv.Atoi(query.Get("offset"))
	limit, _ := strconv.Atoi(query.Get("limit"))
	offset = min(offset, len(list))
	return list[offset:min(len(list), offset+limit)]
}

func (f *fake) ofKind(query url.Values) any {
	var list []messages.Actor
	for _, r := range f.rows {
		if strings.Contains(r.Path, query.Get("text")) {
			list = append(list, f.actor(r.Path))
		}
	}
	return map[string]any{"Total": len(list), "Actors": page(list, query)}
}

func (f *fake) match(query url.Values) any {
	topic := query.Get("topic")
	if strings.ContainsAny(topic, "+#") {
		return map[string]any{"Error": "a topic has no wildcards"}
	}
	var routes []messages.RouteInfo
	for _, r := range f.rows {
		if r.Filter == topic {
			routes = append(routes, messages.RouteInfo{Filter: r.Filter, QoS: r.Asked, Subscribers: r.Subscribers, Delivers: true})
		}
	}
	return map[string]any{"Routes": routes}
}

func (f *fake) queues(url.Values) any {
	return []messages.QueueInfo{
		{Name: "asgi:specific.4f1c", Length: 100, Capacity: 100, Members: 38}, {Name: "asgi:specific.9b20", Length: 84, Capacity: 100, Members: 41},
		{Name: "asgi:specific.11ca", Length: 7, Capacity: 100, Members: 44}, {Name: "asgi:specific.e08d", Capacity: 100, Members: 40},
	}
}

func (f *fake) letters(url.Values) any {
	return map[string]any{"Total": 1, "Rows": []map[string]any{{"ID": "1", "Time": f.began, "Reason": `mqtt.subscribe: unknown key "topik"`, "Size": 91, "Preview": "mqtt.subscribe: group, topik"}}}
}

// trace is the way of a message that ends as the id says.
func (f *fake) trace(query url.Values) any {
	first, group := f.rows[0].Path, "bridge/router/group:house-0~1"
	way := map[string][][3]string{
		"delivered": {{"received", connection, "from the MQTT broker: QoS 1, 17 bytes"}, {"matched", "bridge/router", "by house/#; it goes to group house-0"}, {"passed", first, ""}, {"queued", group, "2 before it wait to be written"}, {"written", group, "in Redis, for group house-0: in 4 queues"}, {"settled", "bridge/session", "acknowledged to the MQTT broker"}},
		"unmatched": {{"received", connection, "from the MQTT broker: QoS 0, 17 bytes"}, {"unmatched", "bridge/router", "no filter matches its topic: it goes to nobody"}},
		"dropped":   {{"received", connection, "from the MQTT broker: QoS 1, 17 bytes"}, {"matched", "bridge/router", "by house/#; it goes to group house-0"}, {"overflow", group, "the queue asgi:specific.4f1c is full: its process does not keep up; it waits for room"}, {"dropped", group, "it waited for longer than the layer keeps messages"}},
		"many":      {{"received", connection, "from the MQTT broker: QoS 1, 17 bytes"}, {"matched", "bridge/router", "by house/#, house/+/kitchen/# and 3 more; it goes to group/house-0 and 39 more"}},
		"waits":     {{"armed", "bridge", ""}},
		"away":      {{"waiting", "bridge/session", "no connection to the MQTT broker: the message is published when there is one"}},
	}[query.Get("id")]
	trace := messages.Trace{Done: query.Get("id") != "waits"}
	if query.Get("id") == "delivered" {
		way = append([][3]string{{"acknowledged", "bridge/session", "by the MQTT broker"}}, way...)
	}
	if query.Get("id") == "many" {
		for i := range 40 {
			what := "written"
			if i == 7 {
				what = "dropped"
			}
			way = append(way, [3]string{what, fmt.Sprintf("bridge/groups/group:house-%d~1", i), "in Redis"})
		}
	}
	for i, s := range way {
		trace.Steps = append(trace.Steps, messages.Step{At: f.began.Add(time.Duration(i*i*i) * time.Millisecond), What: s[0], Path: s[1], Text: s[2]})
	}
	return trace
}

func (f *fake) routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/events", f.events)
	mux.HandleFunc("GET /api/tail", f.tail)
	for name, answer := range map[string]func(url.Values) any{
		"subscriptions": f.subscriptions, "actors": f.ofKind, "match": f.match, "queues": f.queues, "deadletters": f.letters, "trace": f.trace,
		"actor": func(query url.Values) any { return f.actor(query.Get("path")) },
	} {
		mux.HandleFunc("GET /api/"+name, func(w http.ResponseWriter, r *http.Request) {
			f.mu.Lock()
			defer f.mu.Unlock()
			_ = json.NewEncoder(w).Encode(answer(r.URL.Query()))
		})
	}
	mux.HandleFunc("GET /api/filter", func(w http.ResponseWriter, r *http.Request) {
		if err := topic.ValidateFilter(r.URL.Query().Get("filter")); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			_ = json.NewEncoder(w).Encode(map[string]string{"Error": "Filter: " + err.Error()})
		}
	})
	for _, name := range []string{"publish", "trace", "trace/cancel", "act"} {
		mux.HandleFunc("POST /api/"+name, f.post)
	}
}

// post takes down what is to be done, and has a message end as its topic says.
func (f *fake) post(w http.ResponseWriter, r *http.Request) {
	var body struct{ Action, Path, Topic, Trace string }
	if r.Header.Get("X-Chanmqttproxy") != "1" || json.NewDecoder(r.Body).Decode(&body) != nil {
		w.WriteHeader(http.StatusForbidden)
		_ = json.NewEncoder(w).Encode(map[string]string{"Error": "not from the page"})
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if strings.ContainsAny(body.Topic, "#+") {
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"Error": "Topic: a topic has no wildcards"})
		return
	}
	if body.Trace != "" {
		f.acts = append(f.acts, "cancel "+body.Trace)
	}
	if body.Action != "" {
		f.acts = append(f.acts, body.Action+" "+body.Path)
	}
	_ = json.NewEncoder(w).Encode(map[string]string{"Trace": body.Topic})
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
