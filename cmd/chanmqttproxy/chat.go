package main

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
	"chanmqttproxy/runtime/config"
)

//go:embed chat
var chatFiles embed.FS

// chatPolicy lets the page have what it came with, and no more.
const chatPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// chatters is how many may be in the chat at a time.
const chatters = 16

// chat is a site of one page: what a browser says is published, and each browser
// has a consumer in the layer that receives what is sent to its room's group.
type chat struct {
	cfg  *config.Config
	room chan struct{}
}

// newChat serves the page below /chat/.
func newChat(cfg *config.Config) http.Handler {
	c := &chat{cfg: cfg, room: make(chan struct{}, chatters)}
	files, err := fs.Sub(chatFiles, "chat")
	if err != nil {
		panic(err) // it is embedded
	}
	mux := http.NewServeMux()
	mux.Handle("GET /chat/", http.StripPrefix("/chat/", http.FileServerFS(files)))
	mux.HandleFunc("GET /chat/events", c.events)
	mux.HandleFunc("POST /chat/say", c.publish)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", chatPolicy)
		mux.ServeHTTP(w, r)
	})
}

// groupOf is the group of a room, and its topic.
func groupOf(room string) (group, name string, err error) {
	group, name = "chat."+room, "chat/"+room
	return group, name, errors.Join(messages.ValidGroup(group), topic.ValidateName(name))
}

// publish publishes what somebody says, as a consumer does.
func (c *chat) publish(w http.ResponseWriter, r *http.Request) {
	var said struct{ Room, Text string }
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<14)).Decode(&said); err != nil {
		http.Error(w, "not understood", http.StatusBadRequest)
		return
	}
	_, name, err := groupOf(said.Room)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	consumer := newConsumer(c.cfg)
	defer consumer.Close()
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	err = consumer.command(ctx, messages.Map{{Key: "type", Value: "mqtt.publish"}, {Key: "publish", Value: messages.Map{
		{Key: "topic", Value: name}, {Key: "payload", Value: said.Text}, {Key: "qos", Value: int64(1)}, {Key: "retain", Value: false},
	}}})
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	}
}

// events is one browser's consumer.
func (c *chat) events(w http.ResponseWriter, r *http.Request) {
	group, name, err := groupOf(r.FormValue("room"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	select {
	case c.room <- struct{}{}:
		defer func() { <-c.room }()
	default:
		http.Error(w, "the chat is full", http.StatusServiceUnavailable)
		return
	}
	consumer := newConsumer(c.cfg)
	defer consumer.leave(group)
	if err := enter(r.Context(), consumer, group, name); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	_ = consumer.each(r.Context(), func(m messages.Map) (bool, error) { return false, sendEvent(w, m) })
}

// enter joins the room's group and subscribes it. The answer is the first that
// comes to the consumer.
func enter(ctx context.Context, consumer *consumer, group, name string) error {
	if err := consumer.Join(ctx, group); err != nil {
		return err
	}
	return consumer.command(ctx, messages.Map{
		{Key: "type", Value: "mqtt.subscribe"}, {Key: "topic", Value: name}, {Key: "group", Value: group}, {Key: "qos", Value: int64(1)}, {Key: "reply_channel", Value: consumer.channel},
	})
}

// sendEvent sends the browser what came.
func sendEvent(w http.ResponseWriter, m messages.Map) error {
	event := "message"
	if kind, _ := m.Get("type"); kind == "mqtt.subscribed" {
		event = "entered"
	}
	text, err := json.Marshal(plain(m))
	if err != nil {
		return err
	}
	out := http.NewResponseController(w)
	_ = out.SetWriteDeadline(time.Now().Add(10 * time.Second))
	if _, err := fmt.Fprintf(w, "event: %s\ndata: %s\n\n", event, text); err != nil {
		return err
	}
	return out.Flush()
}
