package actors

import (
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/messages"
)

// sampling: one of that many messages is timed. Reading the clock costs more than everything
// else that is counted.
const sampling = 64

// record is what is known of one actor, through all its incarnations. The actor's own goroutine
// writes it, any goroutine reads it.
type record struct {
	path, kind string
	name       string // the filter or the target's name, of actors that a spawner starts
	mailbox    actor.Mailbox

	handled, sent atomic.Uint64
	last          atomic.Int64 // how long the last sampled message took, in ns
	restarts      atomic.Int64

	mu      sync.Mutex
	state   string
	since   time.Time
	failure *messages.ActorFailure

	// polled is when a snapshot found the mailbox not empty (see arrival; 0: it was empty), and
	// put is how many messages had been put into it by then.
	polled int64
	put    uint64
}

// inspectable is an actor that answers messages.Inspect with info.
type inspectable interface{ info() any }

// actorRegistry has the records of all live actors, and the events of all.
type actorRegistry struct {
	mu     sync.Mutex
	actors map[string]*record
	rows   rows
	events eventLog
}

func newActorRegistry() *actorRegistry {
	return &actorRegistry{actors: map[string]*record{}}
}

// started notes that an incarnation has started.
func (r *actorRegistry) started(w *record, self *actor.PID) {
	w.mu.Lock()
	first, expected := w.since.IsZero(), w.path != ""
	if !expected {
		w.path, w.kind = self.GetId(), kindOf(self.GetId())
	}
	w.state, w.since = messages.StateRunning, time.Now()
	w.mu.Unlock()
	if !first {
		w.restarts.Add(1)
		r.add(w, "restarted", "", "")
		return
	}
	if !expected {
		r.expect(w)
	}
	r.add(w, "started", "", "")
}

// expect adds the record of an actor whose path is known before it starts.
func (r *actorRegistry) expect(w *record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.actors[w.path] = w
}

// stopped notes that an actor has stopped for good.
func (r *actorRegistry) stopped(w *record) {
	r.mu.Lock()
	delete(r.actors, w.path)
	r.mu.Unlock()
	r.add(w, "stopped", "", "")
}

// failed notes a failure that an incarnation died of, or a bug that it survived.
func (r *actorRegistry) failed(w *record, what, text, stack string) {
	w.mu.Lock()
	w.failure = &messages.ActorFailure{At: time.Now(), Text: text, Stack: stack}
	w.mu.Unlock()
	r.add(w, what, text, stack)
}

func (w *record) become(state string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.state, w.since = state, time.Now()
}

// stops says whether the actor is stopping.
func (w *record) stops() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.state == messages.StateStopping
}

// add adds an event, but not for the start or stop of a subscription or fanout: there may be
// thousands.
func (r *actorRegistry) add(w *record, what, text, stack string) {
	if text == "" && (what == "started" || what == "stopped") && strings.Contains(w.path, "~") {
		return
	}
	r.events.add(messages.LifeEvent{At: time.Now(), Path: w.path, Kind: w.kind, What: what, Text: text, Stack: stack})
}

// note adds an event of the actor with that path.
func (r *actorRegistry) note(path, what, text string) {
	r.events.add(messages.LifeEvent{At: time.Now(), Path: path, Kind: kindOf(path), What: what, Text: text})
}

// snapshot is the actor as it is now.
func (w *record) snapshot(now time.Time) messages.Actor {
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
		w.polled = 0
	case w.polled == 0 || handled >= w.put:
		w.polled, w.put = arrival(now), handled+uint64(a.Waiting)
	default: // something of then still waits
		a.Age = time.Duration(arrival(now) - w.polled)
	}
	return a
}

// waiting is how many messages its mailbox holds.
func (w *record) waiting() int {
	if w.mailbox == nil {
		return 0
	}
	return max(0, w.mailbox.UserMessageCount())
}
