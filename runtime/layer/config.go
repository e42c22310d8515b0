package layer

import (
	"cmp"
	"time"

	"github.com/redis/go-redis/v9"
)

// Config says which channel layer to be a peer of. All peers must have the same
// values: nothing of them is stored in Redis. The zero value of a field means
// its default.
type Config struct {
	// Hosts are the servers, in the order that all peers have; default one, at
	// localhost:6379.
	Hosts []Host
	// Redis is short for one plain host; not used where Hosts are given.
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
	if len(c.Hosts) == 0 {
		c.Hosts = []Host{{Redis: c.Redis}}
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

// address is the first server's, for people.
func (c Config) address() string { return c.Hosts[0].Name() }

// redisOptions are those of the first host.
func (c Config) redisOptions(connections int) *redis.Options { return c.Hosts[0].options(connections) }
