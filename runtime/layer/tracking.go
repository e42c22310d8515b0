package layer

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/push"
)

// tracking is a connection on which the server announces changes of the command channel, by
// client tracking (RESP3, Redis 6): nothing is taken, so nothing is lost with a connection,
// and no command is sent while nothing happens.
type tracking struct {
	inbox *inbox
	queue string
	ends  func()        // ends it
	ended chan struct{} // closed when nobody listens any more
	err   error         // why; set before
}

// trackingSilence is the time between two signs of life that are asked for.
const trackingSilence = 15 * time.Second

// errNoTracking says that the server does not announce changes.
var errNoTracking = errors.New("client tracking is not supported")

// newTracking connects, and returns when changes are announced: what came before is not.
// lost is called if the connection fails later. The lock of the inbox is held.
func newTracking(ctx context.Context, b *inbox, lost func(error)) (*tracking, error) {
	living, end := context.WithCancel(b.ctx)
	t := &tracking{inbox: b, queue: b.client.keys.commands(), ends: end, ended: make(chan struct{})}
	ready := make(chan struct{})
	b.others.Go(func() {
		defer end()
		defer close(t.ended)
		t.err = t.listen(living, ready)
		select {
		case <-ready:
			if living.Err() == nil {
				lost(t.err)
			}
		default:
		}
	})
	select {
	case <-ready:
		return t, nil
	case <-t.ended:
		return nil, t.err
	case <-ctx.Done():
		t.close()
		return nil, ctx.Err()
	}
}

// close ends the connection, and calls no lost.
func (t *tracking) close() {
	t.ends()
	<-t.ended
}

// listen keeps the connection until it fails. A subscription is the way to make
// go-redis read a connection all the time; nothing is ever published to it.
func (t *tracking) listen(ctx context.Context, ready chan<- struct{}) error {
	options := t.inbox.server.host.options(ctx, 1)
	options.Protocol = 3
	var refused atomic.Pointer[error]
	options.OnConnect = func(ctx context.Context, cn *redis.Conn) error {
		err := cn.Do(ctx, "client", "tracking", "on", "bcast", "prefix", t.queue).Err()
		if answer := redis.Error(nil); errors.As(err, &answer) {
			refused.Store(&err)
		}
		return err
	}
	client := redis.NewClient(options)
	defer client.Close()
	if err := client.RegisterPushNotificationHandler("invalidate", t, false); err != nil {
		return errors.Join(errNoTracking, err)
	}
	sub := client.Subscribe(ctx, t.inbox.client.keys.own("wake"))
	defer sub.Close()
	defer context.AfterFunc(ctx, func() { _ = sub.Close() })()
	err := readChanges(ctx, sub, options.ReadTimeout, ready)
	if r := refused.Load(); r != nil && lasting(*r) {
		return errors.Join(errNoTracking, *r)
	}
	return err
}

// lasting tells a refusal that will be repeated from one of the moment (a
// server that loads its data, say).
func lasting(refusal error) bool {
	text := refusal.Error()
	return strings.HasPrefix(text, "ERR") || strings.HasPrefix(text, "NOPERM")
}

// readChanges reads until the connection fails, or is silent for too long: the first time for
// twice as long as a server may take to answer. Changes come in meanwhile by
// HandlePushNotification.
func readChanges(ctx context.Context, sub *redis.PubSub, silence time.Duration, ready chan<- struct{}) error {
	asked := false
	for {
		got, err := sub.ReceiveTimeout(ctx, silence)
		var late interface{ Timeout() bool }
		switch {
		case err == nil:
			asked = false
			if _, ok := got.(*redis.Subscription); ok && ready != nil {
				close(ready)
				ready, silence = nil, trackingSilence
			}
		case errors.As(err, &late) && late.Timeout() && !asked:
			asked = true
			if err := sub.Ping(ctx); err != nil {
				return err
			}
		default:
			return err
		}
	}
}

// HandlePushNotification receives the keys that changed: ["invalidate", [key, …]], or
// nil instead of the keys when all did.
func (t *tracking) HandlePushNotification(_ context.Context, _ push.NotificationHandlerContext, n []any) error {
	if len(n) < 2 {
		return nil
	}
	changed, ok := n[1].([]any)
	if !ok {
		notify(t.inbox.signal)
	}
	for _, key := range changed {
		if key == t.queue {
			notify(t.inbox.signal)
		}
	}
	return nil
}
