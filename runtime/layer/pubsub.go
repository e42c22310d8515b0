package layer

import (
	"context"
	_ "embed" // the scripts
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
)

var (
	//go:embed pubsub.lua
	publishSource string
	//go:embed claim.lua
	claimSource string
	//go:embed yield.lua
	yieldSource string
	//go:embed leave.lua
	leaveSource string

	publishScript = redis.NewScript(publishSource)
	claimScript   = redis.NewScript(claimSource)
	yieldScript   = redis.NewScript(yieldSource)
	leaveScript   = redis.NewScript(leaveSource)
)

// PubSub is one client of a layer of channels_redis's pub/sub back end. What is
// stored for the worker itself is where a Core has it.
//
// That back end stores no messages: who is not there when one is published never
// gets it, and nobody is notified. No queue is ever full. Of several workers
// one acts on the commands: the holder of a lease.
type PubSub struct {
	*Core
	subscriber *subscriber
	groups     groups
	once       sync.Once
}

// NewPubSub makes a client of a pub/sub layer, as NewCore does of one of the core back
// end.
func NewPubSub(config Config, log *slog.Logger) *PubSub {
	config.RandomPrefixLength = nil // messages have none; a dead letter has one
	p := &PubSub{Core: NewCore(config, log)}
	p.codec = newCodec(p.config, 0, p.clock.now) // tokens of any age, as in Python
	p.subscriber = newSubscriber(p)
	return p
}

// Close hands the commands that were not acknowledged to the next holder of the
// lease, who may be there already or come within a day, and closes the
// connections. It takes at most a few seconds where Redis does not answer, and
// may be called twice.
func (p *PubSub) Close() {
	p.once.Do(func() {
		p.groups.close()
		p.subscriber.close()
		p.Core.Close()
	})
}

// topic is the target's channel of Redis.
func (p *PubSub) topic(t messages.Target) string {
	if t.Kind == messages.Group {
		return p.keys.prefix + "__group__" + t.Name
	}
	return t.Name
}

// Send publishes the bundles of a batch in their order, each to all who
// subscribe at that moment, or to those in Batch.Only. Nobody refuses anything, so
// that Batch.Queue and Batch.Skip mean nothing, and Stored counts the subscribers
// that got each.
//
// Calls for one target must not overlap. After an error the outcome is unknown,
// and the call may be repeated with the same batch: what was published is not
// published twice. Errors are *messages.LayerFailure.
func (p *PubSub) Send(ctx context.Context, b *messages.Batch) (messages.Outcome, error) {
	if b.Target.Kind == messages.Stream {
		return p.appendEvents(ctx, b)
	}
	if b.Stamp == 0 {
		b.Stamp = uint64(p.clock.take(len(b.Bundles) * max(1, len(b.Only))))
	}
	topic := p.topic(b.Target)
	if b.Only == nil {
		return p.send(ctx, b, publication{channel: topic, sequence: topic}, b.Stamp)
	}
	var sum messages.Outcome
	for i, channel := range b.Only {
		// One sequence for all: several targets may reach a channel.
		first := publication{channel: channel, sequence: topic + " only"}
		outcome, err := p.send(ctx, b, first, b.Stamp+uint64(i*len(b.Bundles)))
		if err != nil {
			return messages.Outcome{}, err
		}
		sum.Stored += outcome.Stored
		sum.Undecodable, sum.BigNumbers = outcome.Undecodable, outcome.BigNumbers // the same for each
	}
	return sum, nil
}

// send publishes the bundles on one channel of Redis, with numbers from stamp on.
func (p *PubSub) send(ctx context.Context, b *messages.Batch, batch publication, stamp uint64) (messages.Outcome, error) {
	var outcome messages.Outcome
	for i := range b.Bundles {
		number := stamp + uint64(i)
		body, u := p.codec.bundle(nil, &b.Bundles[i], 0)
		body = p.codec.seal(append(body, p.codec.noTail()...), 0, number, batch.channel)
		outcome.Undecodable += u.payloads
		outcome.BigNumbers += u.numbers
		batch.add(number, body, len(b.Bundles[i].Events))
		if i < len(b.Bundles)-1 && !batch.full() {
			continue
		}
		got, err := p.publish(ctx, &batch)
		if err != nil {
			return messages.Outcome{}, p.on(batch.channel).failure("publishing to "+b.Target.String(), err)
		}
		outcome.Stored += got
	}
	return outcome, nil
}

// publication is one call of the script.
type publication struct {
	channel  string
	sequence string // numbers rise within it
	number   uint64 // of its first message
	bodies   []any
	events   int
	size     int // in bytes
}

func (b *publication) add(number uint64, body []byte, events int) {
	if len(b.bodies) == 0 {
		b.number = number
	}
	b.bodies = append(b.bodies, body)
	b.events += events
	b.size += len(body)
}

func (b *publication) full() bool { return b.events >= maxCallEvents || b.size >= maxCallBytes }

// publish makes the call, empties the publication and returns how many got it.
func (p *PubSub) publish(ctx context.Context, b *publication) (int, error) {
	key := p.keys.own("published:" + p.subscriber.id)
	args := append([]any{b.channel, strconv.FormatUint(b.number, 10), int(inflightFor.Seconds()), b.sequence}, b.bodies...)
	b.bodies, b.events, b.size = b.bodies[:0], 0, 0
	s, began := p.on(b.channel), time.Now()
	got, err := publishScript.Run(ctx, s.redis, []string{key}, args...).Int()
	s.gauges.traveled(time.Since(began), err)
	s.gauges.wrote(err)
	return max(got, 0), err
}

// Live says for each target whether somebody subscribes to it at this moment.
// Errors are *messages.LayerFailure.
func (p *PubSub) Live(ctx context.Context, targets []messages.Target) ([]bool, error) {
	live := make([]bool, len(targets))
	asked := make([]map[string][]int, len(p.servers)) // channel: places in targets
	for i, t := range targets {
		channel := p.topic(t)
		s := p.on(channel)
		if asked[s.index] == nil {
			asked[s.index] = map[string][]int{}
		}
		asked[s.index][channel] = append(asked[s.index][channel], i)
	}
	for i, s := range p.servers {
		if err := s.subscribed(ctx, asked[i], live); err != nil {
			return nil, s.failure("looking for who listens", err)
		}
	}
	return live, nil
}

// subscribed notes which of the channels have a subscriber at this host.
func (s *server) subscribed(ctx context.Context, channels map[string][]int, live []bool) error {
	var names []string
	for name := range channels {
		names = append(names, name)
	}
	for start := 0; start < len(names); start += maxLook {
		counts, err := s.redis.PubSubNumSub(ctx, names[start:min(start+maxLook, len(names))]...).Result()
		if err != nil {
			return err
		}
		for name, n := range counts {
			for _, i := range channels[name] {
				live[i] = n > 0
			}
		}
	}
	return nil
}
