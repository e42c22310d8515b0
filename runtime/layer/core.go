package layer

import (
	"cmp"
	"context"
	"crypto/rand"
	_ "embed" // the scripts
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
)

var (
	//go:embed send.lua
	sendSource string
	//go:embed take.lua
	takeSource string
	//go:embed find.lua
	findSource string
	//go:embed keep.lua
	keepSource string
	//go:embed deadletter.lua
	deadLetterSource string
	//go:embed drop.lua
	dropSource string
	//go:embed requeue.lua
	requeueSource string
	//go:embed forget.lua
	forgetSource string

	sendScript       = redis.NewScript(sendSource)
	takeScript       = redis.NewScript(takeSource)
	findScript       = redis.NewScript(findSource)
	keepScript       = redis.NewScript(keepSource)
	deadLetterScript = redis.NewScript(deadLetterSource)

	dropScript    = redis.NewScript(dropSource)
	requeueScript = redis.NewScript(requeueSource)
	forgetScript  = redis.NewScript(forgetSource)
)

// Core is one client of a layer of channels_redis's core back end. It connects when it is first
// used, and again after every loss: an error means only that this call failed. All methods may be
// called from any goroutine.
type Core struct {
	config     Config
	keys       keys
	log        *slog.Logger
	clock      *clock
	codec      *codec
	random     [prefixLength - 8]byte
	servers    []*server
	redis      *redis.Client // of the first
	roundRobin roundRobin
	partial    partialWrites
	unread     unread
	site       siteClock
	sealer     *sealer

	follower follower
	storing  storing
	stop     context.CancelFunc
	watched  sync.WaitGroup
	once     sync.Once
}

// NewCore makes a client. It does not wait for Redis. Close must be called. It silences the log of
// go-redis: callers get every error.
func NewCore(config Config, log *slog.Logger) *Core {
	logging.Disable()
	config = config.withDefaults()
	c := &Core{
		config: config,
		keys:   keys{prefix: *config.Prefix, channel: config.Channel, slot: config.Slot},
		log:    log,
		clock:  new(clock),
	}
	c.storing = c.keys.newStoring()
	c.sealer = newSealer(config.EncryptionKeys)
	_, _ = rand.Read(c.random[:]) // never fails
	c.codec = newCodec(config, config.maxTokenAge(), c.clock.now)
	ctx, stop := context.WithCancel(context.Background())
	c.stop = stop
	for i, host := range config.Hosts {
		c.servers = append(c.servers, newServer(ctx, c, i, host))
	}
	c.redis = c.servers[0].redis
	for _, s := range c.servers {
		c.watched.Go(func() { c.watchClock(ctx, s) })
	}
	return c
}

// Close ends the calls under way, gives up the lease, so that others may take over at once what
// is still in flight, and closes the connections. Without an answer of Redis it takes a few
// seconds. It may be called twice.
func (c *Core) Close() {
	c.once.Do(func() {
		c.stop()
		c.watched.Wait()
		c.follower.close()
		var all sync.WaitGroup
		for _, s := range c.servers {
			all.Go(s.close)
		}
		all.Wait()
	})
}

// ClientID is the MQTT client id for the workers of this prefix and channel,
// "chanmqttproxy-" and eight letters or digits. It is drawn when first asked for
// and kept in Redis for good: it names the session that the broker stores. Where Redis has
// lost it, it is the known one, unless that is "". Errors are *messages.LayerFailure.
func (c *Core) ClientID(ctx context.Context, known string) (string, error) {
	drawn := cmp.Or(known, "chanmqttproxy-"+strings.ToLower(rand.Text()[:8]))
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

// keepClientID stores the MQTT client id, unless it is "" or one is stored.
func (c *Core) keepClientID(ctx context.Context, clientID string) error {
	if clientID == "" {
		return nil
	}
	err := c.redis.SetArgs(ctx, c.keys.clientID(), clientID, redis.SetArgs{Mode: "NX"}).Err()
	if err != nil && err != redis.Nil {
		return c.failure("storing the MQTT client id", err)
	}
	return nil
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
