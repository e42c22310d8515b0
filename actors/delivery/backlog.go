package delivery

import (
	"slices"

	"chanmqttproxy/actors/retained"
	"chanmqttproxy/actors/stats"
	"chanmqttproxy/messages"
)

// batchBytes is the size from which a batch takes no further event.
const batchBytes = 1 << 20

// backlog is what waits to be written to a target, in order.
type backlog struct {
	stats     *stats.Stats
	list      []waiting
	droppable int   // how many of them may be dropped
	held      int64 // memory that it occupies, in bytes
}

// waiting is one delivery that is not written yet.
type waiting struct {
	event      messages.Event
	settlement messages.Settlement
	receipt    messages.Receipt   // of the command that it answers
	to         *retained.Channels // nil: everybody
}

// droppable says whether it may be dropped: what is of QoS 0, unless it answers a
// command, which is not done before.
func (w waiting) droppable() bool { return w.event.Message.QoS == 0 && w.receipt == "" }

func (b *backlog) len() int { return len(b.list) }

// last is the number of the delivery at the end; 0: there is none.
func (b *backlog) last() uint64 {
	if len(b.list) == 0 {
		return 0
	}
	return b.list[len(b.list)-1].settlement.Token.Seq
}

// add puts a message at the end.
func (b *backlog) add(m messages.Deliver, to *retained.Channels) {
	w := waiting{m.Event, messages.Settlement{Token: m.Token, Weight: m.Weight}, m.Receipt, to}
	b.list = append(b.list, w)
	if w.droppable() {
		b.droppable++
	}
	b.hold(m.Event.Size())
}

// hold accounts for memory.
func (b *backlog) hold(bytes int64) {
	b.held += bytes
	b.stats.WaitingBytes.Add(bytes)
}

// head is the first messages that are for the same channels, at most n or what
// the first wants as a batch, and no further above batchBytes. It holds until forget.
func (b *backlog) head(n int) []waiting {
	n = min(len(b.list), max(n, b.list[0].event.Batch))
	to := b.list[0].to
	if i := slices.IndexFunc(b.list[:n], func(w waiting) bool { return w.to != to }); i > 0 {
		n = i
	}
	size := int64(0)
	for i, w := range b.list[:n] {
		if size += w.event.Size(); size >= batchBytes {
			return b.list[:i+1]
		}
	}
	return b.list[:n]
}

// dropOldest drops the oldest message that may be dropped, if there is one.
func (b *backlog) dropOldest() (dropped waiting, ok bool) {
	if b.droppable == 0 {
		return waiting{}, false // without a look at a list that may be long
	}
	i := slices.IndexFunc(b.list, waiting.droppable)
	w := b.list[i]
	copy(b.list[1:i+1], b.list[:i])
	b.list[0] = w
	b.forget(1)
	b.stats.Overflowed.Add(1)
	return w, true
}

// forget takes the first n away.
func (b *backlog) forget(n int) {
	for _, w := range b.list[:n] {
		b.hold(-w.event.Size())
		if w.droppable() {
			b.droppable--
		}
	}
	clear(b.list[:n])
	b.list = b.list[n:]
}
