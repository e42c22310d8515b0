package actors

import (
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/messages"
)

// sampling is of how many messages the handling of one is timed: looking at the
// clock costs more than all else that is counted.
const sampling = 64

// watched is what is known of one actor, through all its incarnations. It is
// written by the actor's own goroutine and read by anybody.
type watched struct {
	path, kind string
	name       string // the filter or the target's name, of families
	mailbox    actor.Mailbox

	handled, sent atomic.Uint64
	lastAt        atomic.Int64 // of a subscription: when a message came, in Unix ns
	last          atomic.Int64 // of the sampled, in ns
	restarts      atomic.Int64

	mu      sync.Mutex
	state   string
	since   time.Time
	failure *messages.ActorFailure

	// A look at the mailbox: by then so many messages had been put into it.
	lookedAt int64 // see arrival; 0: nothing waited
	put      uint64
}

// inspectable is an actor that has facts to tell.
type inspectable interface{ facts() any }

// observer knows every live actor, and what happened to those that were.
type observer struct {
	mu     sync.Mutex
	actors map[string]*watched
	events eventLog
}

func newObserver() *observer {
	return &observer{actors: map[string]*watched{}}
}

// begin notes that an incarnation has started.
func (o *observer) begin(w *watched, self *actor.PID) {
	w.mu.Lock()
	first, expected := w.since.IsZero(), w.path != ""
	if !expected {
		w.path, w.kind = self.GetId(), kindOf(self.GetId())
	}
	w.state, w.since = messages.StateRunning, time.Now()
	w.mu.Unlock()
	if !first {
		w.restarts.Add(1)
		o.tell(w, "restarted", "", "")
		return
	}
	if !expected {
		o.expect(w)
	}
	o.tell(w, "started", "", "")
}

// expect takes in an actor whose path is known.
func (o *observer) expect(w *watched) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.actors[w.path] = w
}

// end notes that an actor has stopped for good.
func (o *observer) end(w *watched) {
	o.mu.Lock()
	delete(o.actors, w.path)
	o.mu.Unlock()
	o.tell(w, "stopped", "", "")
}

// failed notes what an incarnation died of, or survived.
func (o *observer) failed(w *watched, what, text, stack string) {
	w.mu.Lock()
	w.failure = &messages.ActorFailure{At: time.Now(), Text: text, Stack: stack}
	w.mu.Unlock()
	o.tell(w, what, text, stack)
}

func (w *watched) become(state string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.state, w.since = state, time.Now()
}

// stops says whether the actor is on its way out.
func (w *watched) stops() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.state == messages.StateStopping
}

// tell adds an event. The coming and going of families is none: there
// are thousands of them.
func (o *observer) tell(w *watched, what, text, stack string) {
	if text == "" && (what == "started" || what == "stopped") && strings.Contains(w.path, "~") {
		return
	}
	o.events.add(messages.LifeEvent{At: time.Now(), Path: w.path, Kind: w.kind, What: what, Text: text, Stack: stack})
}

// note adds an event of the actor with that path.
func (o *observer) note(path, what, text string) {
	o.events.add(messages.LifeEvent{At: time.Now(), Path: path, Kind: kindOf(path), What: what, Text: text})
}

// look is the actor as it is now.
func (w *watched) look(now time.Time) messages.Actor {
	w.mu.Lock()
	defer w.mu.Unlock()
	handled := w.handled.Load()
	a := messages.Actor{
		Path: w.path, Kind: w.kind, State: w.state, Since: w.since,
		Handled: handled, Sent: w.sent.Load(), Last: time.Duration(w.last.Load()),
		Restarts: int(w.restarts.Load()), Failure: w.failure,
	}
	a.Waiting = w.waiting()
	switch {
	case a.Waiting == 0:
		w.lookedAt = 0
	case w.lookedAt == 0 || handled >= w.put:
		w.lookedAt, w.put = arrival(now), handled+uint64(a.Waiting)
	default: // something of then still waits
		a.Age = time.Duration(arrival(now) - w.lookedAt)
	}
	return a
}

// waiting is how many messages its mailbox holds.
func (w *watched) waiting() int {
	if w.mailbox == nil {
		return 0
	}
	return max(0, w.mailbox.UserMessageCount())
}
