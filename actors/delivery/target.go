package delivery

import (
	"fmt"
	"time"

	"chanmqttproxy/actors/retained"
	"chanmqttproxy/actors/stats"
	"chanmqttproxy/actors/trail"
	"chanmqttproxy/messages"
)

// Limits bound what waits, and say where it is counted. All targets share them.
type Limits struct {
	// Backlog is the most messages that wait for one target. Above it those of QoS 0 are
	// dropped, oldest first.
	Backlog int
	// Overflow is the most messages that wait for one queue that has no room. Above it
	// the oldest are dropped.
	Overflow int
	// Expiry is how long a message waits for room.
	Expiry time.Duration
	// Budget is the memory of all that waits.
	Budget stats.Budget
	Stats  *stats.Stats
}

// Target is what waits to be written to one target, in order.
type Target struct {
	Trail trail.Trail // of the messages that are followed

	name       messages.Target
	limits     *Limits
	backlog    backlog
	recipients retained.Recipients

	writing *messages.Batch       // the write to everybody that is under way; nil: none
	parts   []messages.Settlement // of the deliveries in it
	replies []messages.Receipt    // of the answers in it
	failed  int                   // attempts to write it, or another, in a row
	limit   int                   // of the events in the next one

	overflows map[string]*overflow // by queue
	waited    uint64               // how many events have come to wait in them
	full      full
	handing   []handing

	written, dropped uint64
}

// New makes a target for which nothing waits.
func New(name messages.Target, limits *Limits) *Target {
	return &Target{
		name: name, limits: limits, limit: batchLimit, backlog: backlog{stats: limits.Stats}, overflows: map[string]*overflow{},
		recipients: retained.NewRecipients(limits.Stats, limits.Budget),
	}
}

// Add puts a delivery at the end of what waits; a retained message for those recipients
// who are to get it. It returns the parts of deliveries that were dropped.
func (t *Target) Add(m messages.Deliver) (dropped []messages.Settlement) {
	if m.Token.Retained {
		dropped = t.addRetained(m)
	} else {
		t.recipients.Live(m.Event.Message.Topic, m.Token.Seq)
		t.append(m, nil)
	}
	for t.overfull() {
		oldest, ok := t.backlog.dropOldest()
		if !ok {
			break
		}
		t.dropped++
		t.Trail.Add(oldest.event.Message, "dropped", "too many wait to be written (GROUP_BACKLOG, BACKLOG_MEMORY); QoS 0 goes first")
		dropped = append(dropped, oldest.settlement)
	}
	return dropped
}

// overfull says that something is to be dropped, if it may be. A stream keeps to its fair
// share.
func (t *Target) overfull() bool {
	b, budget := &t.backlog, t.limits.Budget
	return b.len() > t.limits.Backlog || budget.Over(b.held) || t.name.Kind == messages.Stream && b.held > budget.FairShare()
}

func (t *Target) addRetained(m messages.Deliver) (dropped []messages.Settlement) {
	shares := t.recipients.Deliver(m.Event.Message, m.Token.Seq)
	for i, share := range shares {
		part := m
		part.Event, part.Weight = EventFor(share.Options, m.Event.Message), messages.Split(m.Weight, len(shares), i)
		t.append(part, share.To)
	}
	if len(shares) > 0 {
		return nil
	}
	t.Trail.Add(m.Event.Message, "dropped", "a retained message that nobody waits for")
	return []messages.Settlement{{Token: m.Token, Weight: m.Weight}}
}

// append puts a message at the end of the backlog.
func (t *Target) append(m messages.Deliver, to *retained.Channels) {
	if m.Event.Message.Trace != 0 {
		t.Trail.Add(m.Event.Message, "queued", fmt.Sprintf("%d before it wait to be written", t.backlog.len()))
	}
	t.backlog.add(m, to)
}

// Recipient notes somebody who is to get retained messages.
func (t *Target) Recipient(m messages.SendRetained) { t.recipients.Add(m) }

// Complete says that all retained messages of a filter have come, for the recipients up to
// a revision of its Desired.
func (t *Target) Complete(filter string, revision uint64) { t.recipients.Complete(filter, revision) }

// Stored is how many events queues have taken.
func (t *Target) Stored() uint64 { return t.written }

// Writing says whether a write to everybody is under way.
func (t *Target) Writing() bool { return t.writing != nil }

// Empty says that nothing waits but what overflows.
func (t *Target) Empty() bool { return t.writing == nil && t.backlog.len() == 0 }

// Overflows says whether something waits for room in a queue.
func (t *Target) Overflows() bool { return len(t.overflows) > 0 }

// Moving says whether something that waits for room is likely to go soon.
func (t *Target) Moving(now time.Time) bool {
	for _, o := range t.overflows {
		if !o.stuck(now) {
			return true
		}
	}
	return false
}

// Info is what there is to see.
func (t *Target) Info(now time.Time) messages.FanoutInfo {
	f := messages.FanoutInfo{
		Target: t.name, Waiting: t.backlog.len(), Bytes: t.backlog.held,
		Writing: t.Writing(), Attempts: t.failed, Written: t.written, Dropped: t.dropped,
	}
	for name, o := range t.overflows {
		f.Bytes += o.held
		f.Dropped += o.dropped
		f.Overflows = append(f.Overflows, messages.OverflowInfo{Queue: name, Messages: o.live, Stuck: o.stuck(now)})
	}
	return f
}

// EventFor is a message as somebody with these options is to see it.
func EventFor(o messages.Options, m *messages.Message) messages.Event {
	return messages.Event{
		Message:  m,
		QoS:      min(m.QoS, o.QoS),
		Payload:  o.Payload,
		Overflow: o.Overflow,
		Batch:    int(o.Batch),
	}
}
