package layer

import (
	"context"
	"crypto/rand"
	_ "embed" // the scripts
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"

	"chanmqttproxy/messages"
)

var (
	//go:embed send.lua
	sendSource string
	//go:embed take.lua
	takeSource string
	//go:embed keep.lua
	keepSource string
	//go:embed bury.lua
	burySource string
	//go:embed replay.lua
	replaySource string

	sendScript = redis.NewScript(sendSource)
	takeScript = redis.NewScript(takeSource)
	keepScript = redis.NewScript(keepSource)
	buryScript = redis.NewScript(burySource)

	replayScript = redis.NewScript(replaySource)
)

// Client is one peer of a channel layer. It connects when it is first used, and
// again after every loss: an error means only that this call failed. All
// methods may be called from any goroutine.
type Client struct {
	config Config
	keys   keys
	log    *slog.Logger
	redis  *redis.Client
	sender *sender
	reader *reader
	unread unread
	stop   context.CancelFunc
	once   sync.Once
}

// New makes a client. It does not wait for Redis. Close must be called. It
// silences go-redis's own log: whoever calls hears of every error.
func New(config Config, log *slog.Logger) *Client {
	logging.Disable()
	config = config.withDefaults()
	c := &Client{
		config: config,
		keys:   keys{prefix: *config.Prefix, channel: config.Channel},
		log:    log,
		redis:  redis.NewClient(config.redisOptions(8)),
	}
	ctx, stop := context.WithCancel(context.Background())
	c.stop = stop
	c.sender = newSender(ctx, redis.NewClient(config.redisOptions(1)), config)
	c.reader = newReader(ctx, c)
	return c
}

// Close ends the calls under way, gives up the lease, so that others may take
// over at once what is still in flight, and closes the connections. It takes at
// most a few seconds where Redis does not answer, and may be called twice.
func (c *Client) Close() {
	c.once.Do(func() {
		c.stop()
		c.sender.close()
		c.reader.close()
		_ = c.redis.Close()
	})
}

// ClientID is the MQTT client id for the workers of this prefix and channel,
// "chanmqttproxy-" and eight letters or digits. It is drawn when first asked for
// and kept in Redis for good: it names the session that the broker stores.
// Errors are *messages.LayerFailure.
func (c *Client) ClientID(ctx context.Context) (string, error) {
	drawn := "chanmqttproxy-" + strings.ToLower(rand.Text()[:8])
	key := c.keys.clientID()
	err := c.redis.SetArgs(ctx, key, drawn, redis.SetArgs{Mode: "NX"}).Err()
	if err != nil && err != redis.Nil {
		return "", c.failure("storing the MQTT client id", err)
	}
	id, err := c.redis.Get(ctx, key).Result()
	if err != nil {
		return "", c.failure("reading the MQTT client id", err)
	}
	return id, nil
}

// failure makes the error that callers get. Redis repeats the arguments of
// commands it does not know, which may be content: they are cut off.
func (c *Client) failure(doing string, err error) error {
	if text, _, cut := strings.Cut(err.Error(), ", with args"); cut {
		err = errors.New(text)
	}
	var answer redis.Error
	return &messages.LayerFailure{
		Doing: doing + " in redis " + c.config.address(), Answered: errors.As(err, &answer), Err: err,
	}
}

// pause waits, and says whether ctx is still alive.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
