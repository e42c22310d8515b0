package delivery

import (
	"fmt"
	"time"

	"chanmqttproxy/messages"
)

// count counts what a write has brought to queues, and notes it of messages that are
// followed.
func (t *Target) count(b *messages.Batch, o messages.Outcome, now time.Time) {
	s := t.limits.Stats
	t.dropped += uint64(o.Dropped)
	t.written += uint64(o.Stored)
	s.Full.Add(int64(o.Dropped))
	s.Stored.Add(int64(o.Stored))
	s.Undecodable.Add(int64(o.Undecodable))
	s.BigNumbers.Add(int64(o.BigNumbers))
	t.measure(b, o, now)
	for i, bundle := range b.Bundles {
		for _, e := range bundle.Events {
			if e.Message.Trace != 0 {
				t.arrived(e.Message, i, len(b.Bundles), b, o)
			}
		}
	}
}

// measure notes how long those messages took that a write has brought to queues.
// Answers, and what was retained, are not on their way from somebody.
func (t *Target) measure(b *messages.Batch, o messages.Outcome, now time.Time) {
	written := b.Bundles
	if b.Queue != nil && len(o.FullQueues) > 0 {
		written = written[:o.FullQueues[0].From]
	}
	for _, bundle := range written {
		for _, e := range bundle.Events {
			if e.Body == nil && !e.Message.Retain {
				t.limits.Stats.Writing.Observe(now.Sub(e.Message.At))
			}
		}
	}
}

// arrived says which queues have taken the i-th of n bundles.
func (t *Target) arrived(message *messages.Message, i, n int, b *messages.Batch, o messages.Outcome) {
	refused := 0 // queues that have not taken it
	stored := o.Stored
	for _, r := range o.FullQueues {
		stored += n - r.From
		if i >= r.From {
			refused++
		}
	}
	queues := stored/n - refused // each queue has taken all that it has not refused
	if b.Queue != nil && queues > 0 {
		t.Trail.Add(message, "written", "in Redis, in the queue "+b.Queue.Name+", which has room now")
		return
	}
	if b.Queue != nil {
		return // it waits on
	}
	switch {
	case queues > 0:
		t.Trail.Add(message, "written", fmt.Sprintf("in Redis, for %s: in %s", t.name, plural(queues, "queue")))
	case refused == 0:
		t.Trail.Add(message, "dropped", "nobody is in "+t.name.String()+" now")
	}
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
