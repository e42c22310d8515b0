package layer

import (
	"context"
	"crypto/rand"
	"crypto/sha1"
	"encoding/hex"
	"iter"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
)

// One command takes away at most so many messages, and none further above so many bytes.
const (
	maxForget      = 512
	maxForgetBytes = 1 << 20
)

// chunks are messages as they are taken away.
func chunks(members []string) iter.Seq[[]string] {
	return func(yield func([]string) bool) {
		for len(members) > 0 {
			n := 0
			for bytes := 0; n < min(len(members), maxForget) && bytes < maxForgetBytes; n++ {
				bytes += len(members[n])
			}
			if !yield(members[:n:n]) {
				return
			}
			members = members[n:]
		}
	}
}

// Acknowledge lets received messages leave Redis for good. It may be repeated,
// and receipts of messages that are gone do no harm. Errors are
// *messages.LayerFailure.
func (c *Core) Acknowledge(ctx context.Context, receipts []messages.Receipt) error {
	members := make([][]string, len(c.servers))
	for _, r := range receipts {
		s, member := c.member(r)
		members[s.index] = append(members[s.index], member)
	}
	var errs []error
	for i, s := range c.servers {
		errs = append(errs, s.forget(ctx, members[i]))
	}
	return firstError(errs)
}

// largeMember is the size from which on it costs less to name a message by its SHA-1.
const largeMember = 16 << 10

// forget takes members out of what this client has in flight at one host.
func (s *server) forget(ctx context.Context, members []string) error {
	whole, parts := s.inbox.inflight.parts(members)
	err := s.forgetWhole(ctx, whole)
	for _, p := range parts {
		if err == nil {
			err = s.forgetPart(ctx, p)
		}
	}
	if err != nil {
		return s.failure("acknowledging messages of channel "+s.inbox.client.config.Channel, err)
	}
	return nil
}

// forgetWhole takes fetches away of which nothing is left to be done.
func (s *server) forgetWhole(ctx context.Context, whole []fetchPart) error {
	if len(whole) == 0 {
		return nil
	}
	k := s.inbox.client.keys
	gone := make([]*redis.IntCmd, len(whole))
	_, err := s.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		names := make([]any, len(whole))
		for i, w := range whole {
			gone[i], names[i] = p.Del(ctx, k.inflight(w.name)), w.name
		}
		return p.ZRem(ctx, k.readers(), names...).Err()
	})
	for i, w := range whole {
		if err == nil && gone[i].Val() == 0 {
			_, err = s.forgetIn(ctx, s.inbox.id, w.members)
		}
		if err != nil {
			return err
		}
		s.inbox.inflight.remove(w.members)
	}
	return nil
}

// forgetPart takes some messages of a fetch away.
func (s *server) forgetPart(ctx context.Context, p fetchPart) error {
	for some := range chunks(p.members) {
		gone, err := s.forgetIn(ctx, p.name, some)
		if err == nil && gone < len(some) && p.name != s.inbox.id {
			_, err = s.forgetIn(ctx, s.inbox.id, some)
		}
		if err != nil {
			return err
		}
		s.inbox.inflight.remove(some)
	}
	return nil
}

// forgetIn takes messages out of one in-flight key, and returns how many were there.
func (s *server) forgetIn(ctx context.Context, name string, members []string) (gone int, err error) {
	key := s.inbox.client.keys.inflight(name)
	small, large := make([]any, 0, len(members)), []any(nil)
	for _, m := range members {
		if len(m) < largeMember {
			small = append(small, m)
		} else {
			large = append(large, len(m), sum(m))
		}
	}
	if len(small) > 0 {
		n, err := s.redis.ZRem(ctx, key, small...).Result()
		if err != nil {
			return 0, err
		}
		gone += int(n)
	}
	if len(large) > 0 {
		n, err := forgetScript.Run(ctx, s.redis, []string{key}, large...).Int()
		if err != nil {
			return 0, err
		}
		gone += n
	}
	return gone, nil
}

// sum is how a script names a message.
func sum(member string) string {
	sum := sha1.Sum([]byte(member))
	return hex.EncodeToString(sum[:])
}

func newReaderID() string { return strings.ToLower(rand.Text()) }

// renew renews the leases on what is in flight here, and takes over what readers without one
// had in flight. It returns how many messages that were, and how many are in flight at
// readers with a lease. gather brings the own ones together too.
func (b *inbox) renew(ctx context.Context, gather bool) (reclaimed, others int64, err error) {
	c := b.client
	keys := []string{c.keys.inflight(b.id), c.keys.readers()}
	args := []any{
		b.id, c.config.Lease.Seconds(), int(inflightFor.Seconds()), c.keys.inflight(""),
		c.config.until(), c.config.Until != nil, gather,
	}
	for _, name := range b.inflight.names() {
		args = append(args, name)
	}
	counts, err := keepScript.Run(ctx, b.redis, keys, args...).Int64Slice()
	if err != nil {
		return 0, 0, err
	}
	return counts[0], counts[1], nil
}

// settle says whether reading may begin. A reader that starts while another has
// messages in flight waits until those are done, or the lease must have ended if
// the other is dead: it would read newer messages before older ones, and leave
// a retained topic with the value of the older.
func (b *inbox) settle() (bool, error) {
	if b.settled {
		return true, nil
	}
	if b.joined.IsZero() {
		b.joined = time.Now()
	}
	waited := time.Since(b.joined) > b.client.config.Lease*5/4
	_, others, err := b.renew(b.ctx, false)
	if err != nil {
		return false, err
	}
	b.settled = others == 0 || waited
	b.missed.Store(true)
	return b.settled, nil
}

// keep renews the lease until the client is closed. Readers report errors;
// here the next round tries again.
func (b *inbox) keep() {
	for pause(b.ctx, b.client.config.Lease/4) {
		reclaimed, _, err := b.renew(b.ctx, false)
		if err != nil {
			b.client.log.Debug("renewing the lease on the command channel failed", "error", err)
			continue
		}
		if reclaimed > 0 {
			b.client.log.Info("reclaimed commands that another worker left", "count", reclaimed)
			b.missed.Store(true)
			notify(b.signal)
		}
	}
}

// close waits for what runs and lets the leases end, so that another reader need
// not wait for that. The messages stay where they are: back in the queue they
// would be dropped at the layer's expiry, though they were accepted.
func (b *inbox) close() {
	b.lock <- struct{}{} // no call is under way, and none starts again
	defer b.release()
	if !b.started {
		return
	}
	b.others.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	ended := []redis.Z{{Member: b.id}}
	for _, name := range b.inflight.names() {
		ended = append(ended, redis.Z{Member: name})
	}
	err := b.redis.ZAdd(ctx, b.client.keys.readers(), ended...).Err()
	if err != nil {
		b.client.log.Debug("giving up the leases on the command channel failed", "error", err)
	}
}
