package layer

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/push"
)

// wake hears from the server that the command channel changed, by client
// tracking (RESP3, Redis 6): nothing is taken, so nothing is lost with a
// connection, and no command is sent while nothing happens. Where the server
// does not speak of changes it is never armed.
type wake struct {
	client *Client
	host   Host
	queue  string
	signal chan struct{} // holds one when there may be news
	armed  atomic.Bool   // news will be signalled
	done   chan struct{}
	log    *slog.Logger
}

// The times of the connection: between two signs of life that it asks for, and
// before it is opened again.
const (
	wakeSilence = 15 * time.Second
	wakeRetry   = time.Second
)

var errNoTracking = errors.New("client tracking is not supported")

func newWake(c *Client, host Host) *wake {
	return &wake{
		client: c,
		host:   host,
		queue:  c.keys.commands(),
		signal: make(chan struct{}, 1),
		done:   make(chan struct{}),
		log:    c.log,
	}
}

// poke says that there may be news.
func (w *wake) poke() {
	select {
	case w.signal <- struct{}{}:
	default:
	}
}

// drain forgets the news that were told until now: who looks next sees them.
func (w *wake) drain() {
	select {
	case <-w.signal:
	default:
	}
}

// run listens until ctx ends.
func (w *wake) run(ctx context.Context) {
	defer close(w.done)
	for {
		err := w.listen(ctx)
		w.armed.Store(false)
		w.poke()
		if errors.Is(err, errNoTracking) {
			w.log.Debug("redis does not tell of changes: polling the command channel", "error", err)
			return
		}
		if !pause(ctx, wakeRetry) {
			return
		}
	}
}

// listen keeps one connection until it fails. A subscription is the way to make
// go-redis read a connection all the time; nothing is ever published to it.
func (w *wake) listen(ctx context.Context) error {
	options := w.host.options(ctx, 1)
	options.Protocol = 3
	var refused atomic.Pointer[error]
	options.OnConnect = func(ctx context.Context, cn *redis.Conn) error {
		err := cn.Do(ctx, "client", "tracking", "on", "bcast", "prefix", w.queue).Err()
		if answer := redis.Error(nil); errors.As(err, &answer) {
			refused.Store(&err)
		}
		return err
	}
	client := redis.NewClient(options)
	defer client.Close()
	if err := client.RegisterPushNotificationHandler("invalidate", w, false); err != nil {
		return errors.Join(errNoTracking, err)
	}
	sub := client.Subscribe(ctx, w.client.keys.own("wake"))
	defer sub.Close()
	defer context.AfterFunc(ctx, func() { _ = sub.Close() })()
	err := w.hear(ctx, sub)
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

// hear reads until the connection fails, or is silent for too long. News come
// in meanwhile by HandlePushNotification.
func (w *wake) hear(ctx context.Context, sub *redis.PubSub) error {
	asked := false
	for {
		_, err := sub.ReceiveTimeout(ctx, wakeSilence)
		var late interface{ Timeout() bool }
		switch {
		case err == nil:
			asked = false
			if !w.armed.Swap(true) {
				w.poke() // what came before this is not told of
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

// HandlePushNotification hears which keys changed: ["invalidate", [key, …]], or
// nil instead of the keys when all did.
func (w *wake) HandlePushNotification(_ context.Context, _ push.NotificationHandlerContext, n []any) error {
	if len(n) < 2 {
		return nil
	}
	changed, ok := n[1].([]any)
	if !ok {
		w.poke()
	}
	for _, key := range changed {
		if key == w.queue {
			w.poke()
		}
	}
	return nil
}
