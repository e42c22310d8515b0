package layer

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

// hostRetry is the time between two attempts to read from a host that failed,
// while others do not.
const hostRetry = time.Second / 2

// surplus is what was read beyond a caller's limit, for the next one. Its channel
// is held by the one call that receives.
type surplus struct {
	turn chan struct{}
	list []Message
}

// found is what one host had for a call.
type found struct {
	server  *server
	members []string
	err     error
}

// receiveAll reads from every host until one has something. Then it calls the
// others back, and waits for what they had at the same moment.
func (c *Client) receiveAll(ctx context.Context, limit int) ([]Message, error) {
	select {
	case c.surplus.turn <- struct{}{}:
		defer func() { <-c.surplus.turn }()
	case <-ctx.Done():
		return nil, c.failure("reading channel "+c.config.Channel, ctx.Err())
	}
	if len(c.surplus.list) == 0 {
		if err := c.readAll(ctx, limit); err != nil {
			return nil, err
		}
	}
	n := min(limit, len(c.surplus.list))
	list := c.surplus.list[:n:n]
	c.surplus.list = c.surplus.list[n:]
	return list, nil
}

// readAll reads into the surplus.
func (c *Client) readAll(ctx context.Context, limit int) error {
	reading, stop := context.WithCancel(ctx)
	defer stop()
	answers := make(chan found)
	for _, s := range c.servers {
		go func() { answers <- c.readOne(reading, s, limit) }()
	}
	waiting, failed := len(c.servers), map[*server]error{}
	for waiting > 0 {
		f := <-answers
		switch {
		case f.err == nil:
			delete(failed, f.server)
			c.surplus.list = append(c.surplus.list, c.open(f.server, f.members)...)
			stop()
		case errors.Is(f.err, redis.ErrClosed):
			failed[f.server] = f.err
			stop()
		case reading.Err() == nil && len(failed) < len(c.servers):
			c.noteAway(failed, f)
			if len(failed) < len(c.servers) {
				go func() { answers <- c.readAgain(reading, f.server, limit) }()
				continue
			}
			stop()
		}
		waiting--
	}
	return c.verdict(ctx, failed)
}

// verdict is the error of a call for which all hosts answered.
func (c *Client) verdict(ctx context.Context, failed map[*server]error) error {
	doing := "reading channel " + c.config.Channel
	switch {
	case len(c.surplus.list) > 0:
		return nil
	case ctx.Err() != nil:
		return c.failure(doing, ctx.Err())
	}
	for _, s := range c.servers {
		if err := failed[s]; err != nil {
			return s.failure(doing, err)
		}
	}
	return c.failure(doing, redis.ErrClosed)
}

// noteAway notes a host that failed, and logs the first time.
func (c *Client) noteAway(failed map[*server]error, f found) {
	if !f.server.away.Swap(true) {
		c.log.Warn("cannot read commands from one of the layer's hosts: trying again, others go on",
			"host", f.server.host.Name(), "error", f.err)
	}
	failed[f.server] = f.err
}

func (c *Client) readOne(ctx context.Context, s *server, limit int) found {
	members, err := s.reader.receive(ctx, limit)
	if err == nil && s.away.Swap(false) {
		c.log.Info("reading commands again from a host of the layer", "host", s.host.Name())
	}
	return found{s, members, err}
}

// readAgain waits before it reads: the host failed just now.
func (c *Client) readAgain(ctx context.Context, s *server, limit int) found {
	if !pause(ctx, hostRetry) {
		return found{s, nil, ctx.Err()}
	}
	return c.readOne(ctx, s, limit)
}
