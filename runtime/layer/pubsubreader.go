package layer

import (
	"context"
	"encoding/binary"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
)

// maxWaiting bounds what a reader of a pub/sub layer has not handed out, beside
// Config.CommandMemory: Redis does not keep it, and nobody can be refused.
const maxWaiting = 10_000

// subscriber receives the commands of a pub/sub layer. It begins to exist for
// others when a reader is opened.
//
// Redis gives each command to every worker, but one only is to act on it: the
// holder of a lease. The marks that go with the lease are published on a channel
// of our own, which each subscriber receives on the connection on which the commands
// come, so that all agree on what came before a mark and what after:
//
//   - "+id": the lease is that subscriber's. It acts on what comes now; the others
//     forget what came before.
//   - "-id": that one acts on nothing that comes behind this.
//   - "*": the lease is free.
//
// So nothing is lost or done twice when a holder stops. When one dies, the next
// acts on what came since its last mark, of which some may have been done; what
// it had taken before and not carried out is lost.
type subscriber struct {
	client *PubSub
	server *server // on which the commands come
	id     string
	lease  string // key
	left   string // key of what a holder left to the next
	marks  string // channel

	opening  sync.Mutex         // held by whoever connects, or closes
	started  bool               // the lease is asked for
	unkeep   context.CancelFunc // ends that
	keeper   sync.WaitGroup     // who asks
	end      context.CancelFunc // ends the connection
	listener sync.WaitGroup     // who listens on it
	closed   chan struct{}
	gone     chan struct{} // closed when our "-" has come
	ask      chan struct{} // holds one when the lease is to be asked for at once
	signal   chan struct{} // holds one when there is something to receive

	mu       sync.Mutex
	live     bool          // there is a connection
	reader   *pubSubReader // the last one
	ready    list          // to be handed out
	maybe    list          // somebody else's, unless the lease becomes ours
	taken    list          // handed out and not acknowledged
	joined   bool          // commands arrive
	holding  bool          // and are ours
	leaving  bool
	dropped  int           // and not reported yet
	overflow atomic.Uint64 // all that were dropped
	failed   error         // why there is nothing to hand out; nobody was told
	seq      uint64
}

// list is of commands in their order, each as it would be in a queue of the core
// back end: twelve bytes of our own come before the body.
type list struct {
	members []string
	bytes   int
}

func (l *list) full(memory int) bool { return len(l.members) >= maxWaiting || l.bytes >= memory }

func (l *list) add(members ...string) {
	l.members = append(l.members, members...)
	for _, m := range members {
		l.bytes += len(m)
	}
}

// take takes the first n away, or fewer if there are no more, or above maxReadBytes;
// one at least.
func (l *list) take(n int) []string {
	taken, bytes := 0, 0
	for taken < min(n, len(l.members)) && (taken == 0 || bytes+len(l.members[taken]) <= maxReadBytes) {
		bytes += len(l.members[taken])
		taken++
	}
	some := slices.Clone(l.members[:taken]) // the rest does not keep it
	clear(l.members[:taken])
	l.members = l.members[taken:]
	l.bytes -= bytes
	return some
}

func newSubscriber(p *PubSub) *subscriber {
	return &subscriber{
		client: p, server: p.on(p.config.Channel), id: newReaderID(),
		lease: p.keys.own("lease"), left: p.keys.own("left"), marks: p.keys.own("signs"),
		closed: make(chan struct{}), gone: make(chan struct{}),
		ask: make(chan struct{}, 1), signal: make(chan struct{}, 1),
	}
}

// pubSubReader is the CommandReader of a pub/sub layer. The connection, and what came on it,
// is the client's: it listens on when the reader is closed, until it is closed itself.
type pubSubReader struct {
	client *PubSub
	lost   func(error)
}

// Hosts is the one on which the commands come.
func (p *PubSub) Hosts() []string { return []string{p.subscriber.server.host.Name()} }

// OpenReader begins to listen, unless the client does so already. Receive then waits until
// commands come, while this client is the one that is to act on them. What is published
// before, and between two connections, is lost. lost and errors are as Core.OpenReader
// has them.
func (p *PubSub) OpenReader(ctx context.Context, _ int, lost func(error)) (CommandReader, error) {
	r := &pubSubReader{p, lost}
	if err := p.subscriber.open(ctx, r); err != nil {
		return nil, p.subscriber.failure(err)
	}
	return r, nil
}

// Receive is as CommandReader says.
func (r *pubSubReader) Receive(ctx context.Context, limit int) ([]Message, error) {
	p := r.client
	members, err := p.subscriber.receive(ctx, limit)
	if err != nil {
		return nil, p.subscriber.failure(err)
	}
	commands := make([]Message, len(members))
	for i, member := range members {
		commands[i].Receipt = messages.Receipt(member)
		body := member[prefixLength:]
		if commands[i].Body, commands[i].Fault = p.codec.decode(body); commands[i].Fault != nil {
			commands[i].Head = p.codec.head(body)
		}
	}
	return commands, nil
}

// Close has nobody told when the connection is lost.
func (r *pubSubReader) Close() {
	s := r.client.subscriber
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reader == r {
		s.reader = nil
	}
}

func (s *subscriber) failure(err error) error {
	return s.server.failure("reading channel "+s.client.config.Channel, err)
}

func (s *subscriber) receive(ctx context.Context, limit int) ([]string, error) {
	for {
		if members, err := s.next(limit); err != nil || len(members) > 0 {
			return members, err
		}
		select {
		case <-s.signal:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-s.closed:
			return nil, redis.ErrClosed
		}
	}
}

// next hands out what is ready, or the failure that was not reported.
func (s *subscriber) next(limit int) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	some, err := s.ready.take(limit), s.failed
	if len(some) > 0 {
		s.taken.add(some...)
		s.logDropped()
		return some, nil
	}
	s.failed = nil
	return nil, err
}

// logDropped logs what was dropped, now that there is room again.
func (s *subscriber) logDropped() {
	if s.dropped == 0 {
		return
	}
	s.client.log.Warn("commands were dropped: the worker does not keep up, and a pub/sub layer stores nothing", "count", s.dropped)
	s.dropped = 0
}

// Acknowledge forgets received commands: in Redis they are not. It never fails.
func (p *PubSub) Acknowledge(_ context.Context, receipts []messages.Receipt) error {
	p.subscriber.forget(receipts)
	return nil
}

func (s *subscriber) forget(receipts []messages.Receipt) {
	done := make(map[string]bool, len(receipts))
	for _, r := range receipts {
		done[string(r)] = true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	rest := list{}
	for _, m := range s.taken.members {
		if !done[m] {
			rest.add(m)
		}
	}
	s.taken = rest
}

// came takes in one command.
func (s *subscriber) came(body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	to := &s.maybe
	if s.holding {
		to = &s.ready
	}
	switch {
	case s.leaving:
	case to.full(s.client.config.CommandMemory):
		s.dropped++
		s.overflow.Add(1)
	default:
		to.add(s.member(body))
		notify(s.signal)
	}
}

// member makes a command unlike all others.
func (s *subscriber) member(body string) string {
	s.seq++
	prefix := append(make([]byte, 0, prefixLength+len(body)), s.client.random[:]...)
	return string(append(binary.BigEndian.AppendUint64(prefix, s.seq), body...))
}

// notify fills a signal of one place, unless it is full.
func notify(signal chan struct{}) {
	select {
	case signal <- struct{}{}:
	default:
	}
}
