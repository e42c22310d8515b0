package layer

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"chanmqttproxy/messages"
)

// Host is one server of a layer, or one set of servers that Sentinels watch.
type Host struct {
	// Redis is where the server is and how to log in. Timeouts that it does not
	// set are 2 s to connect and 3 s without a byte of an answer. Its retries and
	// pool sizes are not used. With Sentinels its address is not used either.
	Redis *redis.Options
	// Sentinels, if there are any, are asked at each connection for the address
	// of the master that they call Master: one after the other, from the one that
	// answered last. They have a login of their own.
	Sentinels []*redis.Options
	Master    string
}

// Name is the host's, for people: where it is, and no secret.
func (h Host) Name() string {
	if len(h.Sentinels) == 0 {
		return cmp.Or(h.Redis.Addr, "localhost:6379")
	}
	at := make([]string, len(h.Sentinels))
	for i, s := range h.Sentinels {
		at[i] = s.Addr
	}
	return h.Master + " of sentinel " + strings.Join(at, ", ")
}

// options are the caller's with what this package relies on: errors come
// quickly, and nothing is repeated behind its back, which would reorder. After ctx
// nothing is waited for that is only slow.
func (h Host) options(ctx context.Context, connections int) *redis.Options {
	o := quick(h.Redis)
	o.PoolSize = connections
	if len(h.Sentinels) > 0 {
		o.Addr = h.Name() // for people: the dialer does not look at it
		o.Network = "tcp"
		o.Dialer = newSentinels(h, o).dial
	}
	steady(ctx, o)
	return o
}

// quick are options without retries, pools or notices, and with timeouts.
func quick(given *redis.Options) *redis.Options {
	o := *given
	o.DialTimeout = cmp.Or(o.DialTimeout, messages.RedisConnectTimeout)
	o.ReadTimeout = cmp.Or(o.ReadTimeout, 3*time.Second)
	o.WriteTimeout = cmp.Or(o.WriteTimeout, 3*time.Second)
	o.MaxRetries = -1
	o.DialerRetries = 1
	o.ContextTimeoutEnabled = true
	o.Protocol = 2
	o.PoolSize = 1
	o.MaxActiveConns = 0
	o.MinIdleConns = 0
	o.PipelinePoolSize = -1 // pipelines too go through the one pool
	o.DisableIdentity = true
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return &o
}
