package layer

import (
	"context"
	"crypto/rand"
	"crypto/sha1"
	"encoding/hex"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
)

// inflight knows the members that were handed out and not acknowledged.
type inflight struct {
	mu    sync.Mutex
	known map[string]struct{}
}

// add notes members as handed out. It returns those that were not yet: one
// comes again when others took it for a dead reader's and put it back.
func (f *inflight) add(members []string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.known == nil {
		f.known = map[string]struct{}{}
	}
	fresh := members[:0]
	for _, m := range members {
		if _, ok := f.known[m]; !ok {
			f.known[m] = struct{}{}
			fresh = append(fresh, m)
		}
	}
	return fresh
}

func (f *inflight) remove(members []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, m := range members {
		delete(f.known, m)
	}
}

// sums are the SHA-1 of all that were handed out, as find.lua wants them.
func (f *inflight) sums() []any {
	f.mu.Lock()
	known := slices.Collect(maps.Keys(f.known))
	f.mu.Unlock()
	sums := make([]any, len(known))
	for i, m := range known {
		sums[i] = sum(m)
	}
	return sums
}

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
func (c *Client) Acknowledge(ctx context.Context, receipts []messages.Receipt) error {
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
	c := s.inbox.client
	key := c.keys.inflight(s.inbox.id)
	for some := range chunks(members) {
		small, large := make([]any, 0, len(some)), []any(nil)
		for _, m := range some {
			if len(m) < largeMember {
				small = append(small, m)
			} else {
				large = append(large, len(m), sum(m))
			}
		}
		var err error
		if len(small) > 0 {
			err = s.redis.ZRem(ctx, key, small...).Err()
		}
		if err == nil && len(large) > 0 {
			err = forgetScript.Run(ctx, s.redis, []string{key}, large...).Err()
		}
		if err != nil {
			return s.failure("acknowledging messages of channel "+c.config.Channel, err)
		}
		s.inbox.inflight.remove(some)
	}
	return nil
}

// sum is how a script names a message.
func sum(member string) string {
	sum := sha1.Sum([]byte(member))
	return hex.EncodeToString(sum[:])
}

func newPeerID() string { return strings.ToLower(rand.Text()) }

// renew renews the lease and takes over what readers without one had in
// flight. It returns how many messages that were, and how many are in flight at
// readers with a lease.
func (b *inbox) renew(ctx context.Context) (adopted, others int64, err error) {
	c := b.client
	keys := []string{c.keys.inflight(b.id), c.keys.peers()}
	counts, err := keepScript.Run(ctx, b.redis, keys,
		b.id, c.config.Lease.Seconds(), int(inflightFor.Seconds()), c.keys.inflight(""),
		c.config.until(), c.config.Until != nil).Int64Slice()
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
	_, others, err := b.renew(b.ctx)
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
		adopted, _, err := b.renew(b.ctx)
		if err != nil {
			b.client.log.Debug("renewing the lease on the command channel failed", "error", err)
			continue
		}
		if adopted > 0 {
			b.client.log.Info("took over commands that another worker left", "count", adopted)
			b.missed.Store(true)
			notify(b.signal)
		}
	}
}

// close waits for what runs and lets the lease end, so that another reader need
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
	err := b.redis.ZAdd(ctx, b.client.keys.peers(), redis.Z{Score: 0, Member: b.id}).Err()
	if err != nil {
		b.client.log.Debug("giving up the lease on the command channel failed", "error", err)
	}
}
