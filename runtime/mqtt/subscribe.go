package mqtt

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

const (
	// pipeline is how many packets wait for their answers at a time.
	pipeline = 256
	// maximumFilters is the most that the filters of one packet measure.
	maximumFilters = 1 << 20
)

// request is one packet to be answered. indexes are those of its filters among all filters of the call.
type request struct {
	indexes    []int
	size       int
	identifier uint32
}

// Subscribe asks for all filters and waits for the answers. The codes are in
// the order of the filters: the granted QoS, or 0x80 and above where that
// filter was refused; what would cost the connection is refused without asking.
// An error means that the outcome is unknown (the connection was lost, ctx
// ended, or no answer came for a minute: then it is context.DeadlineExceeded, and the connection lives).
// Under MQTT 5 the broker sends retained messages for filters that are Retained (retain handling 0), and
// for no others (2). Under 3.1.1 it always sends them.
//
// All filters travel in one packet, or in several if they are too long. Under MQTT 5 each filter that
// Overlaps has its own packet, since a packet carries one identifier [MQTT-3.8.2-1], which is
// topic.Identifier of the filter. The packets are sent in any order, without waiting between them: no
// filter may be there twice.
func (c *Conn) Subscribe(ctx context.Context, filters []messages.Desired) ([]byte, error) {
	ctx, cancel := c.stream.patient(ctx)
	defer cancel()
	codes := make([]byte, len(filters))
	var b batcher
	for i, f := range filters {
		switch codes[i] = c.limits.refuseFilter(f, c.engine.version()); {
		case codes[i] != 0:
		case f.Overlaps && !c.limits.noIdentifiers:
			b.alone(i, topic.Identifier(f.Filter))
		default:
			b.add(i, len(f.Filter), c.limits.filterBytes())
		}
	}
	err := each(ctx, b.requests, func(ctx context.Context, r *request) error {
		answer, err := c.engine.subscribe(ctx, pick(filters, r.indexes), r.identifier)
		if err == nil && len(answer) != len(r.indexes) {
			err = fmt.Errorf("the broker answered %d filters with %d codes", len(r.indexes), len(answer))
		}
		if err != nil {
			return err
		}
		for i, index := range r.indexes {
			codes[index] = answer[i]
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("subscribing to %d filters at %s: %w", len(filters), c.info.Broker, err)
	}
	return codes, nil
}

// Unsubscribe unsubscribes from the filters and waits for the answers, as Subscribe does.
func (c *Conn) Unsubscribe(ctx context.Context, filters []string) error {
	ctx, cancel := c.stream.patient(ctx)
	defer cancel()
	var b batcher
	for i, f := range filters {
		if topic.ValidateFilter(f) == nil { // else nobody can be subscribed to it
			b.add(i, len(f), c.limits.filterBytes())
		}
	}
	err := each(ctx, b.requests, func(ctx context.Context, r *request) error {
		return c.engine.unsubscribe(ctx, pick(filters, r.indexes))
	})
	if err != nil {
		return fmt.Errorf("unsubscribing from %d filters at %s: %w", len(filters), c.info.Broker, err)
	}
	return nil
}

// each does something for all requests, many at a time, until one fails.
func each(ctx context.Context, all []*request, do func(context.Context, *request) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	slots := make(chan struct{}, pipeline)
	var work sync.WaitGroup
	for _, r := range all {
		slots <- struct{}{}
		work.Go(func() {
			defer func() { <-slots }()
			if err := do(ctx, r); err != nil {
				cancel(err)
			}
		})
	}
	work.Wait()
	return context.Cause(ctx)
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
	if r := b.shared; r == nil || r.size+length > maximum {
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
func (l *limits) refuseFilter(f messages.Desired, v messages.Version) byte {
	shared := strings.HasPrefix(f.Filter, "$share/")
	switch {
	case topic.ValidateFilter(f.Filter) != nil:
		return messages.ReasonFilterInvalid
	case len(f.Filter)+3 > l.filterBytes():
		return messages.ReasonPacketTooLarge
	case l.noShared && shared:
		return messages.ReasonSharedNotSupported
	case shared && f.NoLocal && v == messages.MQTT5:
		return messages.ReasonProtocolError // [MQTT-3.8.3-4]
	case l.noWildcards && strings.ContainsAny(f.Filter, "+#"):
		return messages.ReasonWildcardsNotSupported
	default:
		return 0
	}
}
