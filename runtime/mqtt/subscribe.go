package mqtt

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"

	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

const (
	// batchFilters is how many filters share one packet at most. Some brokers
	// take longer than in proportion for more.
	batchFilters = 500
	// pipeline is how many packets are sent before their answers are awaited.
	pipeline = 256
	// maximumFilters is the most that the filters of one packet measure.
	maximumFilters = 1 << 20
)

// requests are the SUBSCRIBE and UNSUBSCRIBE packets that wait for an answer.
type requests struct {
	mu      sync.Mutex
	last    uint16
	waiting map[uint16]chan packet
}

// open draws a packet id above those of publishes.
func (r *requests) open() (uint16, <-chan packet) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.waiting == nil {
		r.waiting = map[uint16]chan packet{}
	}
	for {
		r.last++
		if r.last <= window {
			r.last = window + 1
		}
		if r.waiting[r.last] == nil {
			answer := make(chan packet, 1)
			r.waiting[r.last] = answer
			return r.last, answer
		}
	}
}

func (r *requests) answer(p packet) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c := r.waiting[p.id]; c != nil {
		c <- p
		delete(r.waiting, p.id)
	}
}

func (r *requests) close(id uint16) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.waiting, id)
}

// request is one packet to be answered. indexes are those of its filters among
// all that were asked for.
type request struct {
	indexes    []int
	size       int
	identifier uint32
	id         uint16
	answer     <-chan packet
}

// Subscribe asks for all filters and waits for the answers. The codes are in
// the order of the filters: the granted QoS, or 0x80 and above where that
// filter was refused; what would cost the connection is refused without asking.
// An error means that the outcome is unknown (the connection was lost, or ctx
// ended). Retained messages are not asked for (MQTT 5: retain handling 2).
//
// All filters travel in one packet, or several where they are very many. Under
// MQTT 5 each that Overlaps has a packet of its own, since one packet carries
// one identifier [MQTT-3.8.2-1]: topic.Identifier of the filter. The packets
// are sent without waiting between them.
func (s *Session) Subscribe(ctx context.Context, filters []messages.Want) ([]byte, error) {
	codes := make([]byte, len(filters))
	var b batcher
	for i, f := range filters {
		switch codes[i] = s.limits.refuseFilter(f, s.proto.version()); {
		case codes[i] != 0:
		case f.Overlaps && !s.limits.noIdentifiers:
			b.alone(i, topic.Identifier(f.Filter))
		default:
			b.add(i, len(f.Filter), s.limits.filterBytes())
		}
	}
	err := s.exchange(ctx, b.requests, func(w io.Writer, r *request) error {
		return s.proto.subscribe(w, r.id, pick(filters, r.indexes), r.identifier)
	}, func(r *request, p packet) error {
		if len(p.codes) != len(r.indexes) {
			return fmt.Errorf("the broker answered %d filters with %d codes", len(r.indexes), len(p.codes))
		}
		for i, index := range r.indexes {
			codes[index] = p.codes[i]
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("subscribing to %d filters at %s: %w", len(filters), s.info.Broker, err)
	}
	return codes, nil
}

// Unsubscribe gives the filters up and waits for the answers.
func (s *Session) Unsubscribe(ctx context.Context, filters []string) error {
	var b batcher
	for i, f := range filters {
		if topic.ValidateFilter(f) == nil { // else nobody can be subscribed to it
			b.add(i, len(f), s.limits.filterBytes())
		}
	}
	err := s.exchange(ctx, b.requests, func(w io.Writer, r *request) error {
		return s.proto.unsubscribe(w, r.id, pick(filters, r.indexes))
	}, func(*request, packet) error { return nil })
	if err != nil {
		return fmt.Errorf("unsubscribing from %d filters at %s: %w", len(filters), s.info.Broker, err)
	}
	return nil
}

// exchange sends the requests, many at a time, and takes their answers.
func (s *Session) exchange(ctx context.Context, all []*request, encode func(io.Writer, *request) error, take func(*request, packet) error) error {
	for len(all) > 0 {
		n := min(pipeline, len(all))
		if err := s.exchangeFew(ctx, all[:n], encode, take); err != nil {
			return err
		}
		all = all[n:]
	}
	return nil
}

func (s *Session) exchangeFew(ctx context.Context, few []*request, encode func(io.Writer, *request) error, take func(*request, packet) error) error {
	for _, r := range few {
		r.id, r.answer = s.requests.open()
		defer s.requests.close(r.id)
		_, err := s.conn.send(s.limits.maximumPacket, func(w io.Writer) error { return encode(w, r) })
		if err != nil {
			return err
		}
	}
	for _, r := range few {
		select {
		case p := <-r.answer:
			if err := take(r, p); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		case <-s.conn.done:
			return s.conn.why(errClosed)
		}
	}
	return nil
}

// batcher spreads filters over packets.
type batcher struct {
	requests []*request
	shared   *request // takes the next filter that needs no identifier
}

func (b *batcher) alone(index int, identifier uint32) {
	b.requests = append(b.requests, &request{indexes: []int{index}, identifier: identifier})
}

func (b *batcher) add(index, length, maximum int) {
	length += 3 // its length and its options
	if r := b.shared; r == nil || len(r.indexes) == batchFilters || r.size+length > maximum {
		b.shared = &request{}
		b.requests = append(b.requests, b.shared)
	}
	b.shared.indexes = append(b.shared.indexes, index)
	b.shared.size += length
}

func pick[T any](all []T, indexes []int) []T {
	some := make([]T, len(indexes))
	for i, index := range indexes {
		some[i] = all[index]
	}
	return some
}

// subscribeOverhead is what a SUBSCRIBE measures beside its filters, at most.
const subscribeOverhead = 16

// filterBytes is how much room for filters there is in one packet.
func (l *limits) filterBytes() int {
	if l.maximumPacket == 0 {
		return maximumFilters
	}
	return max(0, min(maximumFilters, int(l.maximumPacket)-subscribeOverhead))
}

// refuseFilter says why the broker would not take a filter, 0 where it would.
// Asking anyway would cost the connection.
func (l *limits) refuseFilter(f messages.Want, v messages.Version) byte {
	shared := strings.HasPrefix(f.Filter, "$share/")
	switch {
	case topic.ValidateFilter(f.Filter) != nil:
		return codeTopicFilterInvalid
	case len(f.Filter)+3 > l.filterBytes():
		return codePacketTooLarge
	case shared && l.noShared:
		return codeSharedUnsupported
	case shared && f.NoLocal && v == messages.MQTT5:
		return codeProtocolError // [MQTT-3.8.3-4]
	case l.noWildcards && strings.ContainsAny(f.Filter, "+#"):
		return codeWildcardsNotTaken
	default:
		return 0
	}
}
