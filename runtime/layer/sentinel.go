package layer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

// sentinels find the master of a set. Who was the master and is no more closes
// its connections, or answers READONLY, at which go-redis closes them; the next
// connection is to the new one.
type sentinels struct {
	list   []*redis.Options
	master string
	// connect opens a connection to the server at an address.
	connect func(ctx context.Context, network, addr string) (net.Conn, error)
	last    atomic.Int64 // the one that answered last
}

func newSentinels(h Host, server *redis.Options) *sentinels {
	connect := server.Dialer
	if connect == nil {
		connect = redis.NewDialer(server)
	}
	return &sentinels{list: h.Sentinels, master: h.Master, connect: connect}
}

// dial connects to the master of this moment.
func (s *sentinels) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	addr, err := s.find(ctx)
	if err != nil {
		return nil, err
	}
	return s.connect(ctx, "tcp", addr)
}

// find asks one Sentinel after the other where the master is.
func (s *sentinels) find(ctx context.Context) (string, error) {
	var errs []error
	first := int(s.last.Load())
	for i := range s.list {
		n := (first + i) % len(s.list)
		addr, err := masterAt(ctx, s.list[n], s.master)
		if err == nil {
			s.last.Store(int64(n))
			return addr, nil
		}
		errs = append(errs, fmt.Errorf("sentinel %s: %w", s.list[n].Addr, err))
	}
	return "", fmt.Errorf("asking where the master %s is: %w", s.master, errors.Join(errs...))
}

func masterAt(ctx context.Context, o *redis.Options, master string) (string, error) {
	options := quick(o)
	options.PoolSize = 2 // with as many failures go-redis goes on dialing for a while
	client := redis.NewSentinelClient(options)
	defer client.Close()
	at, err := client.GetMasterAddrByName(ctx, master).Result()
	switch {
	case errors.Is(err, redis.Nil):
		return "", errors.New("it knows no master of that name")
	case err != nil:
		return "", err
	case len(at) != 2:
		return "", errAnswer
	}
	return net.JoinHostPort(at[0], at[1]), nil
}
