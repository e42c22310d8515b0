package worker

import (
	"context"
	"net/http"
	"strings"

	"chanmqttproxy/actors"
	"chanmqttproxy/runtime/config"
	"chanmqttproxy/runtime/devpage"
	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/runtime/status"
)

// Development makes the page show and do more. The servers are there where they
// are embedded.
type Development struct {
	Redis, Broker devpage.Server
	// More is served beside the page, by path.
	More map[string]http.Handler
}

// mount puts the page on a server. Beyond loopback it is there only with a token.
func (w *Worker) mount(server *status.Server, client layer.Client) (stop func()) {
	loopback := server.Loopback()
	if !loopback && w.config.HTTP.Token == "" {
		return func() {}
	}
	o := devpage.Options{
		About: w.about(), Tree: w.tree, Layer: queues{client}, Stats: w.stats.Numbers, Slots: w.slotsShown,
		Log: w.lines, Token: w.config.HTTP.Token, Loopback: loopback,
	}
	if w.Development != nil {
		o.More = w.Development.More
		o.Redis, o.Broker = w.Development.Redis, w.Development.Broker
	}
	page := devpage.New(o)
	if loopback {
		server.Handle("/", page.Handler())
	} else {
		server.HandlePublic("/", page.Handler())
	}
	w.logOf("http").Info("serving the page", "address", "http://"+server.Addr().String()+"/", "token", w.config.HTTP.Token != "")
	return page.Close
}

// chat is where the chat to try is served, if it is.
const chat = "/chat/"

func (w *Worker) about() devpage.About {
	dev := w.Development != nil
	about := devpage.About{
		Version: w.Version, Dev: dev, MayAct: dev || w.config.HTTP.Act, ShowPayloads: dev || w.config.HTTP.ShowPayloads,
		Channel: w.config.Channel,
	}
	var hosts, brokers []string
	for _, h := range w.config.Layer.Hosts {
		hosts = append(hosts, layer.Host(h).Name())
	}
	for _, u := range w.config.Broker.Servers {
		brokers = append(brokers, config.Shown(u))
	}
	about.Redis, about.Broker = strings.Join(hosts, ", "), strings.Join(brokers, ", ")
	if dev && w.Development.More[chat] != nil {
		about.Chat = chat
	}
	return about
}

// slotsShown are the session slots as the page shows them.
func (w *Worker) slotsShown() devpage.Slots {
	s := w.status()
	shown := devpage.Slots{Standby: s.standby(), Workers: s.slots.Workers, Layout: s.slots.Layout, Held: []int{}, All: s.slots.Slots}
	for _, slot := range s.slots.Held {
		shown.Held = append(shown.Held, slot.Number)
	}
	return shown
}

// queues is Redis as the page sees it.
type queues struct{ layer.Client }

// DeadLetters implements devpage.Layer.
func (q queues) DeadLetters(ctx context.Context, offset, limit int) (any, int, error) {
	return q.Client.DeadLetters(ctx, offset, limit)
}

var _ devpage.Tree = (*actors.Tree)(nil)
