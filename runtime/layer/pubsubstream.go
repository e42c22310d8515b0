package layer

import (
	"context"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
)

// Forward gives received commands to another session slot, in whose queue they wait: that
// is one of the worker's own, which the pub/sub back end does not have. One whose
// forwarding failed may be there twice when it is repeated. Errors are
// *messages.LayerFailure.
func (p *PubSub) Forward(ctx context.Context, slot int, receipts []messages.Receipt) error {
	to := p.keys
	to.slot = slot
	for _, r := range receipts {
		if !p.subscriber.has(string(r)) {
			continue
		}
		first := float64(p.clock.take(1)) / 1e6
		if err := p.redis.ZAdd(ctx, to.commands(), redis.Z{Score: first, Member: string(r)}).Err(); err != nil {
			return p.failure("forwarding commands of channel "+p.config.Channel, err)
		}
		p.subscriber.forget([]messages.Receipt{r})
	}
	return nil
}

// queued is a peer of a pub/sub layer whose commands come by a queue, as those of a core
// layer do.
type queued struct{ *PubSub }

func (q queued) Receive(ctx context.Context, limit int) ([]Message, error) {
	return q.Client.Receive(ctx, limit)
}

func (q queued) Acknowledge(ctx context.Context, receipts []messages.Receipt) error {
	return q.Client.Acknowledge(ctx, receipts)
}

func (q queued) Forward(ctx context.Context, slot int, receipts []messages.Receipt) error {
	return q.Client.Forward(ctx, slot, receipts)
}

func (q queued) Bury(ctx context.Context, burials []messages.Burial) error {
	return q.Client.Bury(ctx, burials)
}
