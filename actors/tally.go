package actors

import (
	"context"
	"fmt"
	"time"

	"chanmqttproxy/messages"
)

// slowed has a group hold each of its writes back.
type slowed struct{ by time.Duration }

// idle waits, unless the life ends.
func idle(life context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	select {
	case <-life.Done():
	case <-time.After(d):
	}
}

// tally is what became of the messages for one target.
type tally struct {
	*env
	target           messages.Target
	seen             *watched
	written, dropped uint64
}

// noted counts what a write has brought to queues, and tells those who follow
// one of its messages.
func (t *tally) noted(m *sent) {
	t.written += uint64(m.outcome.Stored)
	t.seen.sent.Store(t.written)
	for i, b := range m.batch.Bundles {
		for _, e := range b.Events {
			if e.Message.Trace != 0 {
				t.arrived(e.Message, i, len(m.batch.Bundles), m)
			}
		}
	}
}

// arrived says which queues have taken the i-th of n bundles.
func (t *tally) arrived(message *messages.Message, i, n int, m *sent) {
	refused := 0 // queues that have not taken it
	stored := m.outcome.Stored
	for _, r := range m.outcome.Refused {
		stored += n - r.From
		if i >= r.From {
			refused++
		}
	}
	queues := stored/n - refused // each queue has taken all that it has not refused
	if m.batch.Queue != nil && queues > 0 {
		t.step(message, t.seen.path, "written", "in Redis, in the queue "+m.batch.Queue.Name+", which has room now")
		return
	}
	if m.batch.Queue != nil {
		return // it waits on
	}
	switch {
	case queues > 0:
		t.step(message, t.seen.path, "written", fmt.Sprintf("in Redis, for %s: in %s", t.target, plural(queues, "queue")))
	case refused == 0:
		t.step(message, t.seen.path, "dropped", "nobody is in "+t.target.String()+" now")
	}
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// full counts what a stream without room has dropped.
func (t *tally) full(n int) {
	t.dropped += uint64(n)
	t.Stats.Full.Add(int64(n))
}
