package layer

import (
	"cmp"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Config says which channel layer to be a peer of. All peers must have the same
// values: nothing of them is stored in Redis. The zero value of a field means
// its default.
type Config struct {
	// Redis is where the server is and how to log in; default localhost:6379.
	// Timeouts that it does not set are 2 s to connect and 3 s to answer. Its
	// retries and pool sizes are not used.
	Redis *redis.Options
	// Prefix begins all keys; nil means "asgi". It may be empty.
	Prefix *string
	// Expiry is how long a message may wait to be read, in seconds; default 60.
	Expiry int
	// GroupExpiry is how long a membership lasts, in seconds; default 86400.
	GroupExpiry int
	// Capacity is how many messages a queue takes; default 100.
	Capacity int
	// Channel is the general channel that Receive reads; default "mqtt". Events
	// have its name as the first part of their type.
	Channel string
	// Lease is how long after a reader's death others take over what it had in
	// flight; default 5 s. It is renewed in a quarter of that time.
	Lease time.Duration
	// DeadLetters is how many buried messages are kept, the newest; default
	// 1000. Each takes as much of Redis's memory as the command had, and a third
	// more.
	DeadLetters int
}

func (c Config) withDefaults() Config {
	if c.Redis == nil {
		c.Redis = &redis.Options{Addr: "localhost:6379"}
	}
	if c.Prefix == nil {
		prefix := "asgi"
		c.Prefix = &prefix
	}
	c.Expiry = cmp.Or(c.Expiry, 60)
	c.GroupExpiry = cmp.Or(c.GroupExpiry, 86400)
	c.Capacity = cmp.Or(c.Capacity, 100)
	c.Channel = cmp.Or(c.Channel, "mqtt")
	c.Lease = cmp.Or(c.Lease, 5*time.Second)
	c.DeadLetters = cmp.Or(c.DeadLetters, 1000)
	return c
}

// address is the server's, for people.
func (c Config) address() string { return cmp.Or(c.Redis.Addr, "localhost:6379") }

// redisOptions are the caller's with what this package relies on: errors come
// quickly, and nothing is repeated behind its back, which would reorder.
func (c Config) redisOptions(connections int) *redis.Options {
	o := *c.Redis
	o.DialTimeout = cmp.Or(o.DialTimeout, 2*time.Second)
	o.ReadTimeout = cmp.Or(o.ReadTimeout, 3*time.Second)
	o.WriteTimeout = cmp.Or(o.WriteTimeout, 3*time.Second)
	o.MaxRetries = -1
	o.DialerRetries = 1
	o.ContextTimeoutEnabled = true
	o.Protocol = 2
	o.PoolSize = connections
	o.MaxActiveConns = 0
	o.MinIdleConns = 0
	o.PipelinePoolSize = -1 // pipelines too go through the one pool
	o.DisableIdentity = true
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return &o
}
