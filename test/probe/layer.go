package probe

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
)

// ErrAway is what a Layer that is away answers.
var ErrAway = errors.New("connection refused")

// Layer is a channel layer in memory. A target has one queue, of its own name,
// unless Queues says otherwise; a queue has room for everything, unless Room
// does.
type Layer struct {
	mu      sync.Mutex
	arrived *sync.Cond
	away    bool

	hosts       []layerHost
	received    int
	acked       map[messages.Receipt]bool
	deadLetters map[messages.Receipt]string

	epochs []messages.Epoch
	number uint64
	writer *TableWriter // nil: there is one slot

	stuck   map[messages.Target]bool
	poison  string // topic at which Send panics
	queues  map[messages.Target][]string
	members map[messages.Target][]string
	wrote   map[messages.Target]*wrote
	stamp   uint64 // of the last batch
	room    map[string]int
	written map[string][]messages.Event
	plural  []int // sizes of the plural bundles

	stored  []messages.Stored
	forgot  bool
	leaving map[string]bool
	refused map[string]messages.FilterRefusal
	dead    map[messages.Target]bool
}

var _ actors.Layer = (*Layer)(nil)

// layerHost is one of the servers that have the command channel.
type layerHost struct {
	away  bool
	queue []messages.Received
	taken []messages.Received            // and neither acknowledged nor a dead letter
	lost  map[*commandReader]func(error) // of those who are connected
}

// NewLayer makes an empty layer on one host.
func NewLayer() *Layer { return NewLayerOn(1) }

// NewLayerOn makes an empty layer on several hosts. Commands that are put are on the first.
func NewLayerOn(hosts int) *Layer {
	l := &Layer{
		hosts: make([]layerHost, hosts),
		acked: map[messages.Receipt]bool{}, deadLetters: map[messages.Receipt]string{},
		stuck: map[messages.Target]bool{}, queues: map[messages.Target][]string{},
		members: map[messages.Target][]string{}, wrote: map[messages.Target]*wrote{},
		room: map[string]int{}, written: map[string][]messages.Event{},
		leaving: map[string]bool{}, refused: map[string]messages.FilterRefusal{}, dead: map[messages.Target]bool{},
	}
	l.arrived = sync.NewCond(&l.mu)
	return l
}

// Unwrite drops the record of what was written, which benchmarks would let grow.
func (l *Layer) Unwrite() { l.change(func() { clear(l.written) }) }

// change does something to the layer and wakes those who wait.
func (l *Layer) change(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
	l.arrived.Broadcast()
}

// Put puts a command on the command channel and returns its receipt.
func (l *Layer) Put(c messages.Command) messages.Receipt {
	r := messages.Received{Command: c}
	r.Type, r.ReplyTo = described(c)
	return l.put(r)
}

// PutBad puts something on the command channel that cannot be understood.
func (l *Layer) PutBad(fault error) messages.Receipt { return l.put(messages.Received{Fault: fault}) }

// PutReceived puts something on the command channel as it is to be received,
// but for its receipt.
func (l *Layer) PutReceived(r messages.Received) messages.Receipt { return l.put(r) }

// described is a command's type, and where its answer goes.
func described(c messages.Command) (string, messages.ReplyTo) {
	switch c := c.(type) {
	case messages.SubscribeCommand:
		return "mqtt.subscribe", c.ReplyTo
	case messages.UnsubscribeCommand:
		return "mqtt.unsubscribe", c.ReplyTo
	case messages.PublishCommand:
		return "mqtt.publish", c.ReplyTo
	case messages.RequestCommand:
		return "mqtt.request", c.ReplyTo
	case messages.StatusCommand:
		return "mqtt.status", c.ReplyTo
	default:
		return "", messages.ReplyTo{}
	}
}

// PutOn puts a command on the command channel at one host.
func (l *Layer) PutOn(host int, c messages.Command) messages.Receipt {
	r := messages.Received{Command: c}
	r.Type, r.ReplyTo = described(c)
	return l.putOn(host, r)
}

func (l *Layer) put(r messages.Received) messages.Receipt { return l.putOn(0, r) }

func (l *Layer) putOn(host int, r messages.Received) messages.Receipt {
	l.change(func() {
		l.received++
		r.Receipt = messages.Receipt(fmt.Sprintf("r%d", l.received))
		l.hosts[host].queue = append(l.hosts[host].queue, r)
	})
	return r.Receipt
}

// Away makes every call fail, or ends that.
func (l *Layer) Away(away bool) { l.change(func() { l.away = away }) }

// AwayOn makes reading from one host fail, or ends that.
func (l *Layer) AwayOn(host int, away bool) { l.change(func() { l.hosts[host].away = away }) }

// Untell loses the connections on which a host tells of commands.
func (l *Layer) Untell(host int) {
	l.mu.Lock()
	lost := slices.Collect(maps.Values(l.hosts[host].lost))
	clear(l.hosts[host].lost)
	l.mu.Unlock()
	for _, f := range lost {
		f(&messages.LayerFailure{Doing: "waiting for commands", Untold: true, Err: ErrAway})
	}
}

// Stick makes writes to one target wait, or ends that.
func (l *Layer) Stick(t messages.Target, stuck bool) { l.change(func() { l.stuck[t] = stuck }) }

// Poison makes Send panic at messages of that topic.
func (l *Layer) Poison(topic string) { l.change(func() { l.poison = topic }) }

// Queues gives a target these queues, one for each process.
func (l *Layer) Queues(t messages.Target, names ...string) { l.change(func() { l.queues[t] = names }) }

// Join makes channels members of a target, in place of a queue of its own.
func (l *Layer) Join(t messages.Target, channels ...string) {
	l.change(func() { l.members[t] = append(l.members[t], channels...) })
}

// Die leaves to the next worker what this one has not done.
func (l *Layer) Die() {
	l.change(func() {
		for i := range l.hosts {
			host := &l.hosts[i]
			host.queue = append(host.taken, host.queue...)
			host.taken = nil
		}
	})
}

// Room lets a queue take n more messages.
func (l *Layer) Room(queue string, n int) { l.change(func() { l.room[queue] = n }) }

// Dead says that nobody listens at a target, or that somebody does.
func (l *Layer) Dead(t messages.Target, dead bool) { l.change(func() { l.dead[t] = dead }) }

// Keep puts subscriptions into the store, as an earlier worker would have.
func (l *Layer) Keep(stored ...messages.Stored) {
	l.change(func() { l.stored = append(l.stored, stored...) })
}

// Leave marks filters as leaving, as an earlier worker would have.
func (l *Layer) Leave(filters ...string) {
	l.change(func() {
		for _, f := range filters {
			l.leaving[f] = true
		}
	})
}

// Forget loses what is stored.
func (l *Layer) Forget() {
	l.change(func() {
		l.stored, l.forgot = nil, true
		clear(l.leaving)
	})
}

// Sent is what was written for a target that has one queue.
func (l *Layer) Sent(t messages.Target) []messages.Event { return l.Written(t.String()) }

// Written is what was written to a queue so far.
func (l *Layer) Written(queue string) []messages.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.written[queue])
}

// Plural are the sizes of the plural bundles that were written.
func (l *Layer) Plural() []int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.plural)
}

// Acked says whether a command left the layer for good.
func (l *Layer) Acked(r messages.Receipt) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.acked[r]
}

// Share has the layer write into tables that other slots have too.
func (l *Layer) Share(w *TableWriter) { l.writer = w }

// DeadLetter is the reason for which a message became a dead letter; empty: it did not.
func (l *Layer) DeadLetter(r messages.Receipt) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.deadLetters[r]
}

// Stored are the subscriptions that are kept.
func (l *Layer) Stored() []messages.Stored {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.stored)
}

// Refused are the kinds of refusal that are kept, by filter.
func (l *Layer) Refused() map[string]string {
	l.mu.Lock()
	defer l.mu.Unlock()
	kinds := map[string]string{}
	for f, r := range l.refused {
		kinds[f] = r.Kind
	}
	return kinds
}

// Leaving are the filters that are marked as leaving.
func (l *Layer) Leaving() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []string
	for f := range l.leaving {
		list = append(list, f)
	}
	return list
}

// Waiting is the number of commands that nobody has taken.
func (l *Layer) Waiting() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, host := range l.hosts {
		n += len(host.queue)
	}
	return n
}

func (l *Layer) fault(doing string) error {
	if l.away {
		return away(doing)
	}
	return nil
}

func away(doing string) error { return &messages.LayerFailure{Doing: doing, Err: ErrAway} }
