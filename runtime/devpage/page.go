package devpage

import (
	"context"
	"net/http"
	"time"

	"chanmqttproxy/messages"
)

// Tree is what the page sees of the actors, and what it may do to them. Its
// methods may be called from anywhere at any time.
type Tree interface {
	Watch() messages.Watch
	OfKind(kind, text string) []messages.Actor
	Inspect(path string) (messages.Actor, bool)
	Events(after uint64) []messages.LifeEvent
	Subscriptions(messages.SubscriptionList) (total int, rows []messages.SubscriptionRow)
	Matching(topic string) []messages.RouteInfo
	Targets() []messages.Target

	Trace(topic string) uint64
	Traced(id uint64) (messages.Trace, bool)
	Untrace(id uint64)
	Publish(m messages.Message) (trace uint64, err error)
	Tap(see func(out bool, m *messages.Message)) (stop func())

	Restart(path string) error
	Disconnect() error
	Slow(path string, by time.Duration) error
}

// Layer is what the page sees of Redis.
type Layer interface {
	// Ping fails when Redis does not answer.
	Ping(ctx context.Context) error
	Queues(ctx context.Context, targets []messages.Target) ([]messages.QueueInfo, error)
	// DeadLetters are at most limit rows, which are marshalled as they are, behind the
	// first offset of total.
	DeadLetters(ctx context.Context, offset, limit int) (rows any, total int, err error)
	// RequeueDeadLetters puts dead letters back, DropDeadLetters forgets them; they say of
	// how many.
	RequeueDeadLetters(ctx context.Context, ids ...string) (int, error)
	DropDeadLetters(ctx context.Context, ids ...string) (int, error)
}

// Server is an embedded one, which the page may stop and start.
type Server interface {
	Start() error
	Stop()
	// Running says whether it is started.
	Running() bool
}

// About says what the page is of, and what it may do.
type About struct {
	Version string
	// Dev: the worker is one for development. MayAct: the page may do something to
	// it. ShowPayloads: it may show what is in messages.
	Dev, MayAct, ShowPayloads bool
	Redis, Broker, Channel    string
	// Chat is the path of a chat to try; empty: there is none.
	Chat string `json:",omitempty"`
}

// Slots are the session slots as the worker knows them.
type Slots struct {
	// Standby: others hold all of them.
	Standby bool
	Workers int
	messages.Layout
	// Held are those that the worker holds.
	Held []int
	All  []messages.SlotInfo
}

// Options are what a Page needs. All but Token, Slots, Redis and Broker are required.
type Options struct {
	About About
	Tree  Tree
	Layer Layer
	// Stats are the worker's counters now.
	Stats func() map[string]int64
	// Slots is how the worker stands with session slots, to be marshalled as it is;
	// nil: there are none to show.
	Slots func() Slots
	Log   *Log
	// Token is what a request has to show; empty: none is needed.
	Token string
	// Loopback: only this machine reaches the page, so that requests have to name
	// it as their host.
	Loopback bool
	// More is served beside the page, by path, to those who may see it.
	More map[string]http.Handler
	// Redis and Broker are the embedded servers, where they are.
	Redis, Broker Server
}

// Page is the page of one worker and what is behind it. Whatever is asked of it
// costs the worker little: what all viewers see is made once a second while there
// are any, a viewer that does not keep up is dropped, and so are viewers and
// queries beyond a number.
type Page struct {
	Options
	hub   *hub
	room  chan struct{} // for queries under way
	ended context.Context
	end   context.CancelFunc
}

// maxQueries is how many may be under way at a time.
const maxQueries = 8

// New makes a page. Close is to be called.
func New(o Options) *Page {
	p := &Page{Options: o, room: make(chan struct{}, maxQueries)}
	p.ended, p.end = context.WithCancel(context.Background())
	p.hub = newHub(p)
	return p
}

// slots are those that there are, if that is known.
func (p *Page) slots() *Slots {
	if p.Slots == nil {
		return nil
	}
	s := p.Slots()
	return &s
}

// servers says of each embedded server whether it runs.
func (p *Page) servers() map[string]bool {
	running := map[string]bool{}
	for name, server := range map[string]Server{"redis": p.Redis, "broker": p.Broker} {
		if server != nil {
			running[name] = server.Running()
		}
	}
	return running
}

// Close sends all viewers away.
func (p *Page) Close() { p.end() }

// Handler serves the page and its API.
func (p *Page) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", Assets())
	mux.HandleFunc("GET /api/events", p.hub.serve)
	mux.HandleFunc("GET /api/tail", p.tail)
	for pattern, answer := range map[string]answer{
		"GET /api/actors": p.actors, "GET /api/actor": p.actor, "GET /api/subscriptions": p.subscriptions,
		"GET /api/match": p.match, "GET /api/filter": p.filter, "GET /api/queues": p.queues, "GET /api/deadletters": p.deadLetters,
		"GET /api/trace": p.traced, "POST /api/trace": p.acting(p.trace), "POST /api/trace/cancel": p.acting(p.untrace),
		"POST /api/publish": p.acting(p.publish), "POST /api/act": p.acting(p.act),
	} {
		mux.Handle(pattern, p.answering(answer))
	}
	mux.HandleFunc("/api/", func(w http.ResponseWriter, _ *http.Request) { refuse(w, http.StatusNotFound, "no such thing here") })
	for path, h := range p.More {
		mux.Handle(path, h)
	}
	return p.guard(mux)
}
