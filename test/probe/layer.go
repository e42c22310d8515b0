package probe

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
)

// ErrAway is what a Layer that is away answers.
var ErrAway = errors.New("connection refused")

// Layer is a channel layer in memory.
type Layer struct {
	mu       sync.Mutex
	arrived  *sync.Cond
	queue    []messages.Received
	serial   int
	acked    map[messages.Receipt]bool
	away     bool
	stuck    map[messages.Target]bool
	poison   string // topic at which Send panics
	sent     map[messages.Target][]messages.Event
	batches  int
	received int
}

var _ actors.Layer = (*Layer)(nil)

// NewLayer makes an empty layer.
func NewLayer() *Layer {
	l := &Layer{
		acked: map[messages.Receipt]bool{}, stuck: map[messages.Target]bool{},
		sent: map[messages.Target][]messages.Event{},
	}
	l.arrived = sync.NewCond(&l.mu)
	return l
}

// Put puts a command on the command channel and returns its receipt.
func (l *Layer) Put(c messages.Command) messages.Receipt { return l.put(messages.Received{Command: c}) }

// PutBad puts something on the command channel that cannot be understood.
func (l *Layer) PutBad(fault error) messages.Receipt { return l.put(messages.Received{Fault: fault}) }

func (l *Layer) put(r messages.Received) messages.Receipt {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.serial++
	r.Receipt = messages.Receipt(fmt.Sprintf("r%d", l.serial))
	l.queue = append(l.queue, r)
	l.arrived.Broadcast()
	return r.Receipt
}

// Away makes every call fail, or ends that.
func (l *Layer) Away(away bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.away = away
	l.arrived.Broadcast()
}

// Stick makes writes to one target wait, or ends that.
func (l *Layer) Stick(t messages.Target, stuck bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stuck[t] = stuck
	l.arrived.Broadcast()
}

// Poison makes Send panic at messages of that topic.
func (l *Layer) Poison(topic string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.poison = topic
}

// Sent is what was written for a target so far.
func (l *Layer) Sent(t messages.Target) []messages.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.sent[t])
}

// Acked says whether a command left the layer for good.
func (l *Layer) Acked(r messages.Receipt) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.acked[r]
}

// Waiting is the number of commands that nobody has taken.
func (l *Layer) Waiting() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.queue)
}

// Ping implements the port.
func (l *Layer) Ping(context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fault("pinging")
}

// Receive implements the port.
func (l *Layer) Receive(ctx context.Context, limit int) ([]messages.Received, error) {
	defer context.AfterFunc(ctx, l.wake)()
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		if err := errors.Join(ctx.Err(), l.fault("receiving")); err != nil {
			return nil, err
		}
		if n := min(limit, len(l.queue)); n > 0 {
			taken := slices.Clone(l.queue[:n])
			l.queue = l.queue[n:]
			return taken, nil
		}
		l.arrived.Wait()
	}
}

// Acknowledge implements the port.
func (l *Layer) Acknowledge(_ context.Context, receipts []messages.Receipt) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.fault("acknowledging"); err != nil {
		return err
	}
	for _, r := range receipts {
		l.acked[r] = true
	}
	return nil
}

// Send implements the port.
func (l *Layer) Send(ctx context.Context, b *messages.Batch) (messages.Outcome, error) {
	defer context.AfterFunc(ctx, l.wake)()
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.stuck[b.Target] && ctx.Err() == nil {
		l.arrived.Wait()
	}
	if err := errors.Join(ctx.Err(), l.fault("sending")); err != nil {
		return messages.Outcome{}, err
	}
	for _, e := range b.Events {
		if e.Message.Topic == l.poison {
			panic("poison")
		}
	}
	l.batches++
	l.sent[b.Target] = append(l.sent[b.Target], b.Events...)
	return messages.Outcome{Stored: len(b.Events)}, nil
}

func (l *Layer) wake() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.arrived.Broadcast()
}

func (l *Layer) fault(doing string) error {
	if l.away {
		return &messages.LayerFailure{Doing: doing, Err: ErrAway}
	}
	return nil
}
