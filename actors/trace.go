package actors

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"chanmqttproxy/actors/commands"
	"chanmqttproxy/actors/trail"
	"chanmqttproxy/messages"
)

const (
	// tracesKept is how many traces are remembered.
	tracesKept = 50
	// stepsKept is how many steps of one trace are: a message can go to thousands.
	stepsKept = 200
	// traceWait is how long a trace waits for the next message of its topic, and returnWait
	// how long a published message may take to come back.
	traceWait  = time.Minute
	returnWait = 2 * time.Second
	// ownPublishes is how many publishes of Tree.Publish may be under way.
	ownPublishes = 100
	// ownReceipt begins the receipts of those, which are no commands.
	ownReceipt = "\x00own:"
)

// traces follow single messages. While none waits for a message they cost the connection
// reading one pointer a message.
type traces struct {
	followed atomic.Pointer[map[string]uint64] // topics to the traces that wait for them; nil: none

	mu       sync.Mutex
	lastID   uint64
	kept     []*trace // the oldest first
	underWay int      // own publishes
}

type trace struct {
	messages.Trace
	begun      time.Time
	seq        uint64    // of the message that came; 0: none has
	connection string    // by which it came
	published  time.Time // when it took effect at the broker
	refused    bool
	outbound   bool
	settled    bool
	waiting    int // places where it waits, though it is settled
}

func newTraces() *traces { return &traces{} }

// arm starts a trace of the next message of a topic.
func (t *traces) arm(topic string, outbound bool) uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lastID++
	w := &trace{Trace: messages.Trace{ID: t.lastID, Topic: topic}, begun: time.Now(), outbound: outbound}
	if t.kept = append(t.kept, w); len(t.kept) > tracesKept {
		t.disarm(t.kept[0])
		t.kept = t.kept[1:]
	}
	followed := map[string]uint64{topic: w.ID}
	if old := t.followed.Load(); old != nil {
		maps.Copy(followed, *old)
		followed[topic] = w.ID
	}
	t.followed.Store(&followed)
	return w.ID
}

// disarm makes a trace stop waiting for its topic.
func (t *traces) disarm(w *trace) {
	old := t.followed.Load()
	if old == nil || (*old)[w.Topic] != w.ID {
		return
	}
	followed := maps.Clone(*old)
	delete(followed, w.Topic)
	if len(followed) == 0 {
		t.followed.Store(nil)
		return
	}
	t.followed.Store(&followed)
}

// catch marks a message for which a trace waits, and says whether one does.
func (t *traces) catch(followed map[string]uint64, connection string, seq uint64, m *messages.Message) bool {
	id, ok := followed[m.Topic]
	if !ok {
		return false
	}
	t.mu.Lock()
	w := t.find(id)
	if w == nil || w.seq != 0 {
		t.mu.Unlock()
		return false
	}
	w.seq, w.connection = seq, connection
	t.disarm(w)
	t.mu.Unlock()
	m.Trace = id
	kind := ""
	if m.Retain {
		kind = ", a retained message"
	}
	t.add(id, connection, "received", fmt.Sprintf("from the MQTT broker: QoS %d, %d bytes%s", m.QoS, len(m.Payload), kind))
	return true
}

func (t *traces) find(id uint64) *trace {
	for _, w := range t.kept {
		if w.ID == id {
			return w
		}
	}
	return nil
}

// with calls do with a trace, if it is still kept.
func (t *traces) with(id uint64, do func(*trace)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if w := t.find(id); w != nil {
		do(w)
	}
}

func (t *traces) add(id uint64, path, what, text string) {
	t.with(id, func(w *trace) { w.step(path, what, text) })
}

func (w *trace) step(path, what, text string) {
	switch what {
	case "acknowledged":
		w.published = time.Now()
	case "refused":
		w.refused = true
	}
	if len(w.Steps) < stepsKept {
		w.Steps = append(w.Steps, messages.Step{At: time.Now(), What: what, Path: path, Text: text})
	}
}

// wait counts the places where a settled message still waits.
func (t *traces) wait(id uint64, n int) { t.with(id, func(w *trace) { w.waiting += n }) }

// cancel ends a trace.
func (t *traces) cancel(id uint64) {
	t.with(id, func(w *trace) {
		t.disarm(w)
		w.Done = true
	})
}

// settle notes that a delivery is whole again.
func (t *traces) settle(at paths, token messages.Token) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, w := range t.kept {
		if w.seq == token.Seq && w.connection == at.connection {
			w.settled = true
			if token.QoS > 0 {
				w.step(at.session, "settled", "acknowledged to the MQTT broker")
			}
		}
	}
}

// own says whether a settled publish is one of Tree.Publish.
func (t *traces) own(receipt messages.Receipt) bool {
	if !strings.HasPrefix(string(receipt), ownReceipt) {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.underWay = max(0, t.underWay-1)
	return true
}

// admit says whether there is room for a further publish.
func (t *traces) admit() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.underWay >= ownPublishes {
		return false
	}
	t.underWay++
	return true
}

// read returns a trace as it is now. A trace without a message in time is over.
func (t *traces) read(id uint64) (messages.Trace, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	w := t.find(id)
	if w == nil {
		return messages.Trace{}, false
	}
	if !w.Done {
		w.finish(time.Now())
		if w.Done {
			t.disarm(w)
		}
	}
	read := w.Trace
	read.Steps = append([]messages.Step{}, w.Steps...)
	return read, true
}

// finish sets Done if nothing more can come.
func (w *trace) finish(now time.Time) {
	switch {
	case w.seq != 0:
		w.Done = w.settled && w.waiting == 0
	case w.refused:
		w.Done = true
	case !w.published.IsZero() && now.Sub(w.published) > returnWait:
		w.step(pathsOf(0).router, "unmatched", "the broker has not sent it back: no filter here matches its topic, or only with no_local, so no group gets it")
		w.Done = true
	case !w.outbound && now.Sub(w.begun) > traceWait:
		w.step(pathsOf(0).connection, "dropped", fmt.Sprintf("no message came on this topic within %v", traceWait))
		w.Done = true
	}
}

// step adds a step to the trace of a message, if it has one.
func (d *env) step(m *messages.Message, path, what, text string) {
	if m != nil && m.Trace != 0 {
		d.traces.add(m.Trace, path, what, text)
	}
}

// note adds the steps of a trail, at the actor with that path, to their traces.
func (d *env) note(path string, t *trail.Trail) {
	for _, s := range t.Take() {
		if s.What != "" {
			d.traces.add(s.Trace, path, s.What, s.Text)
		}
		if s.Waiting != 0 {
			d.traces.wait(s.Trace, s.Waiting)
		}
	}
}

// Trace follows the next message of a topic that the MQTT broker sends. It returns the ID for
// Traced.
func (t *Tree) Trace(topic string) uint64 { return t.shared.traces.arm(topic, false) }

// Untrace ends a trace.
func (t *Tree) Untrace(id uint64) { t.shared.traces.cancel(id) }

// Traced returns the steps of a message so far, and whether the trace is still kept.
func (t *Tree) Traced(id uint64) (messages.Trace, bool) { return t.shared.traces.read(id) }

// Publish publishes a message as a command would. It follows the message to the MQTT broker,
// and on if the broker sends it back. An error says why it cannot be published.
func (t *Tree) Publish(m messages.Message) (trace uint64, err error) {
	first := t.slot(0)
	if first == nil {
		return 0, errors.New("another worker sends all publishes, since it holds session slot 0: publish on its page")
	}
	deps := first.deps
	if failure := commands.DeniedTopic(deps.rules.Load(), m.Topic); failure != nil {
		return 0, errors.New(failure.Reason)
	}
	if !deps.traces.admit() {
		return 0, fmt.Errorf("%d publishes from here wait for the MQTT broker: wait until it is back", ownPublishes)
	}
	m.Trace = deps.traces.arm(m.Topic, true)
	if !deps.health.broker.Load() {
		deps.step(&m, deps.paths.session, "waiting", "no connection to the MQTT broker: the message is published when there is one")
	}
	first.to.session.Tell(messages.Publish{Receipt: messages.Receipt(fmt.Sprint(ownReceipt, m.Trace)), Message: &m})
	return m.Trace, nil
}
