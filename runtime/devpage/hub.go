package devpage

import (
	"bytes"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"chanmqttproxy/messages"
)

const (
	// viewers is how many there may be at a time, of the tree and the tails.
	viewers = 32
	// behind is how many events a viewer may lag before it is dropped.
	behind = 64
	// eventsShown is how much of the events a viewer gets at first.
	eventsShown = 200
	// pause is the time between two looks at the tree.
	pause = time.Second
	// writeTime is how long a viewer may take to take an event.
	writeTime = 10 * time.Second
)

// hub tells all viewers what happens. It looks at the tree while there are any,
// once for all of them.
type hub struct {
	page *Page

	mu      sync.Mutex
	viewers map[*viewer]bool
	last    []byte // the last tree, as an event
	at      time.Time
	lastSeq uint64 // of the last event that was sent
	running bool
	tails   int
}

// viewer is one connection. Its events are closed when it is dropped.
type viewer struct{ events chan []byte }

func newHub(p *Page) *hub { return &hub{page: p, viewers: map[*viewer]bool{}} }

// event is one of server-sent events.
func event(name string, body any) []byte {
	text, err := json.Marshal(body)
	if err != nil {
		text, _ = json.Marshal(struct{ Error string }{err.Error()})
	}
	var b bytes.Buffer
	b.WriteString("event: " + name + "\ndata: ")
	b.Write(text)
	b.WriteString("\n\n")
	return b.Bytes()
}

// serve is one viewer's connection.
func (h *hub) serve(w http.ResponseWriter, r *http.Request) {
	v, ok := h.join()
	if !ok {
		refuse(w, http.StatusServiceUnavailable, "too many pages are open on this worker: close one")
		return
	}
	defer h.leave(v)
	h.page.feed(w, r, v.events)
}

// feed writes events until one side has enough.
func (p *Page) feed(w http.ResponseWriter, r *http.Request, events <-chan []byte) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	out := http.NewResponseController(w)
	alive := time.NewTicker(15 * time.Second)
	defer alive.Stop()
	for e := []byte("retry: 1000\n\n"); ; {
		_ = out.SetWriteDeadline(time.Now().Add(writeTime))
		if _, err := w.Write(e); err != nil || out.Flush() != nil {
			return
		}
		var open bool
		select {
		case <-r.Context().Done():
			return
		case <-p.ended.Done():
			return
		case <-alive.C:
			e = []byte(":\n\n")
		case e, open = <-events:
			if !open {
				return
			}
		}
	}
}

// join takes a viewer in, and tells it what is known.
func (h *hub) join() (*viewer, bool) {
	tree := h.tree() // before the lock: the worker's log may come in through it
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.viewers)+h.tails >= viewers || h.page.ended.Err() != nil {
		return nil, false
	}
	if !h.running {
		h.running = true
		stop := h.page.Log.listen(func(line Line) { h.broadcast(event("log", line)) })
		if known := h.page.Tree.Events(0); len(known) > 0 {
			h.lastSeq = known[len(known)-1].Seq
		}
		go h.run(stop)
	}
	lines := h.page.Log.recent()
	v := &viewer{events: make(chan []byte, behind+len(lines))}
	h.viewers[v] = true
	events := h.page.Tree.Events(0)
	v.events <- event("about", h.page.About)
	v.events <- event("timeline", events[max(0, len(events)-eventsShown):])
	for _, line := range lines {
		v.events <- event("log", line)
	}
	v.events <- tree
	return v, true
}

func (h *hub) leave(v *viewer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.drop(v)
}

func (h *hub) drop(v *viewer) {
	if h.viewers[v] {
		delete(h.viewers, v)
		close(v.events)
	}
}

// admit lets one more tail be.
func (h *hub) admit() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.viewers)+h.tails >= viewers {
		return false
	}
	h.tails++
	return true
}

func (h *hub) dismiss() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tails--
}

// run looks until nobody does; stop ends hearing of the log.
func (h *hub) run(stop func()) {
	defer stop()
	ticks := time.NewTicker(pause)
	defer ticks.Stop()
	for {
		select {
		case <-h.page.ended.Done():
			return
		case <-ticks.C:
		}
		if h.deserted() {
			return
		}
		tree := h.tree()
		h.mu.Lock()
		events := h.page.Tree.Events(h.lastSeq)
		if len(events) > 0 {
			h.lastSeq = events[len(events)-1].Seq
			h.all(event("timeline", events))
		}
		h.all(tree)
		h.mu.Unlock()
	}
}

// deserted says whether nobody looks any more; then run ends.
func (h *hub) deserted() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.running = len(h.viewers) > 0
	return !h.running
}

func (h *hub) broadcast(e []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all(e)
}

// all sends an event to everybody, and drops those who do not keep up.
func (h *hub) all(e []byte) {
	for v := range h.viewers {
		select {
		case v.events <- e:
		default:
			h.drop(v)
		}
	}
}

// tree is the tree as an event, at most a moment old.
func (h *hub) tree() []byte {
	h.mu.Lock()
	fresh := time.Since(h.at) < pause/2
	last := h.last
	h.mu.Unlock()
	if fresh {
		return last
	}
	made := event("tree", struct {
		messages.Watch
		Stats   map[string]int64
		Slots   *Slots `json:",omitempty"`
		Servers map[string]bool
	}{h.page.Tree.Watch(), h.page.Stats(), h.page.slots(), h.page.servers()})
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last, h.at = made, time.Now()
	return made
}
