package delivery

import (
	"time"

	"chanmqttproxy/messages"
)

// How soon to try a queue or stream again that had no room, how soon when nobody has read
// it for a while, and how long that while is.
const (
	fullRetry  = 20 * time.Millisecond
	stuckRetry = 250 * time.Millisecond
	stuckAfter = time.Second
)

// Effects are what follows from what has happened.
type Effects struct {
	Settled    []messages.Settlement // parts of deliveries that are done
	Answered   []messages.Receipt    // of the answers that were written
	HandedOver []uint64              // the HandOvers that are done
	Write      *messages.Batch       // the next write; nil: none
	Again      []Again
	// NowFull: a stream has no room, which is to be logged.
	NowFull bool
}

// Again asks for a call of Target.Again after a time.
type Again struct {
	Queue string // empty: for the write to everybody
	After time.Duration
}

// Next makes a batch of what waits for the same recipients, unless a write is under way
// or nothing waits.
func (t *Target) Next() *messages.Batch {
	if t.writing != nil || t.backlog.len() == 0 {
		return nil
	}
	head := t.backlog.head(t.limit)
	events := make([]messages.Event, len(head))
	t.parts = make([]messages.Settlement, len(head))
	for i, w := range head {
		events[i], t.parts[i] = w.event, w.settlement
		if w.receipt != "" {
			t.replies = append(t.replies, w.receipt)
		}
	}
	t.writing = &messages.Batch{Target: t.name, Bundles: bundles(events), Skip: t.skipped(), CallLimit: t.limit}
	if to := head[0].to; to != nil {
		t.writing.Only = to.Names
	}
	t.backlog.forget(len(head))
	return t.writing
}

// skipped are the queues for which earlier messages wait.
func (t *Target) skipped() (names []string) {
	for name := range t.overflows {
		names = append(names, name)
	}
	return names
}

// Written takes in what became of a batch.
func (t *Target) Written(b *messages.Batch, o messages.Outcome, now time.Time) (e Effects) {
	t.failed = 0
	t.count(b, o, now)
	switch {
	case o.Full:
		t.wait(&e, now)
	case b.Queue != nil:
		t.hasRoom()
		t.overflowWritten(&e, b, o, now)
	default:
		t.hasRoom()
		t.learn(b, o)
		t.fullQueues(&e, b, o, now)
		t.done(&e)
		e.Write = t.Next()
	}
	return e
}

// learn sets how many events the next write to everybody may have. What was learned is forgotten
// when nothing waits: by the next message there may be more queues.
func (t *Target) learn(b *messages.Batch, o messages.Outcome) {
	switch {
	case t.backlog.len() == 0:
		t.limit = batchLimit
	case b.Only == nil && t.name.Kind != messages.Stream:
		t.limit = limitAfter(len(b.Bundles), o)
	}
}

// done lets go of what the write to everybody was about.
func (t *Target) done(e *Effects) {
	e.Settled, e.Answered = t.parts, t.replies
	t.writing, t.parts, t.replies = nil, nil, nil
	t.handOver(e)
}

// Failed notes that a batch was not written. It returns how often that has happened in a
// row, and with what to call Again: what a write that failed half way has done is not done
// twice if the same batch is written.
func (t *Target) Failed(b *messages.Batch) (failed int, queue string) {
	t.failed++
	for _, bundle := range b.Bundles {
		for _, e := range bundle.Events {
			t.Trail.Add(e.Message, "waiting", "writing to Redis failed; it is tried again")
		}
	}
	if b.Queue != nil {
		queue = b.Queue.Name
	}
	return t.failed, queue
}

// Again writes again what has failed, or what waits for a queue.
func (t *Target) Again(queue string, now time.Time) (e Effects) {
	o := t.overflows[queue]
	switch {
	case queue == "":
		e.Write = t.writing
	case o.writing != nil:
		e.Write = o.writing
	default:
		t.fill(&e, queue, now)
		t.handOver(&e)
	}
	return e
}

// GiveUp gives back all that waits, after a bug in the handling of it.
func (t *Target) GiveUp() (e Effects) {
	t.done(&e)
	for _, w := range t.backlog.list {
		e.Settled = append(e.Settled, w.settlement)
		if w.receipt != "" {
			e.Answered = append(e.Answered, w.receipt)
		}
	}
	t.clear()
	return e
}

// Forget gives back what a batch was about whose outcome could not be handled.
func (t *Target) Forget(b *messages.Batch) (e Effects) {
	if b == t.writing {
		t.done(&e)
	}
	return e
}

// Abandon drops all that waits, and returns how many messages waited for which queue that
// has no room: they were acknowledged.
func (t *Target) Abandon() map[string]int {
	abandoned := map[string]int{}
	for name, o := range t.overflows {
		t.limits.Stats.Abandoned.Add(int64(o.live))
		abandoned[name] = o.live
	}
	t.clear()
	return abandoned
}

// clear empties everything, and forgets the recipients.
func (t *Target) clear() {
	t.hasRoom()
	t.recipients.Clear()
	t.backlog.forget(t.backlog.len())
	for _, o := range t.overflows {
		o.clear()
	}
}
