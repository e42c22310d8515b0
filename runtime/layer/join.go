package layer

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
)

// Join puts the client's own channel, Config.Channel, into a group, as
// channels_redis's group_add does: Receive returns then what is sent to it. Errors
// of Redis are *messages.LayerFailure.
func (c *Core) Join(ctx context.Context, group string) error {
	s := c.on(group)
	key := c.keys.group(group)
	pipe := s.redis.TxPipeline()
	pipe.ZAdd(ctx, key, redis.Z{Score: float64(c.clock.now().UnixMicro()) / 1e6, Member: c.config.Channel})
	pipe.Expire(ctx, key, time.Duration(c.config.GroupExpiry)*time.Second)
	if _, err := pipe.Exec(ctx); err != nil {
		return s.failure("joining group/"+group, err)
	}
	return nil
}

// Leave takes the client's own channel out of a group, as group_discard does.
func (c *Core) Leave(ctx context.Context, group string) error {
	s := c.on(group)
	if err := s.redis.ZRem(ctx, c.keys.group(group), c.config.Channel).Err(); err != nil {
		return s.failure("leaving group/"+group, err)
	}
	return nil
}

// Discard drops what waits on the client's own channel.
func (c *Core) Discard(ctx context.Context) error {
	for _, s := range c.servers {
		if err := s.redis.Del(ctx, c.keys.queue(c.config.Channel)).Err(); err != nil {
			return s.failure("dropping what waits on "+c.config.Channel, err)
		}
	}
	return nil
}

// Attend does nothing: what is sent to the own channel waits there.
func (c *Core) Attend(context.Context) error { return nil }

// Request sends a message to a channel, as channels_redis's send does, if there
// is room in its queue.
func Request(ctx context.Context, c Client, channel string, m messages.Map) error {
	target := messages.Target{Kind: messages.Channel, Name: channel}
	event := messages.Event{Message: &messages.Message{QoS: 1, At: time.Now()}, Body: m}
	outcome, err := c.Send(ctx, &messages.Batch{Target: target, Bundles: []messages.Bundle{{Events: []messages.Event{event}}}})
	if err == nil && len(outcome.FullQueues) > 0 {
		return errors.New("the queue of channel " + channel + " is full: is a worker running?")
	}
	return err
}

// ReceiveAll reads all hosts of a client, and calls do with what comes, one call at a time. It
// ends with the first error of do, or when no host can be read any more. The client's messages
// stay in Redis until they are acknowledged.
func ReceiveAll(ctx context.Context, c Client, limit int, do func([]Message) error) error {
	reading, stop := context.WithCancel(ctx)
	defer stop()
	hosts := c.Hosts()
	lists, errs, failed := make(chan []Message), make(chan error, len(hosts)), []error(nil)
	for host := range hosts {
		go func() { errs <- receiveFrom(reading, c, host, limit, lists) }()
	}
	var done error
	for len(failed) < len(hosts) {
		select {
		case list := <-lists:
			if done == nil {
				done = do(list)
			}
			if done != nil {
				stop()
			}
		case err := <-errs:
			failed = append(failed, err)
		}
	}
	if done != nil {
		return done
	}
	return failed[0]
}

// receiveFrom passes on what one host has until that fails.
func receiveFrom(ctx context.Context, c Client, host, limit int, lists chan<- []Message) error {
	for {
		r, err := c.OpenReader(ctx, host, func(error) {})
		if err != nil {
			return err
		}
		for err == nil {
			var list []Message
			if list, err = r.Receive(ctx, limit); err == nil {
				lists <- list
			}
		}
		r.Close()
		var f *messages.LayerFailure
		if !errors.As(err, &f) || !f.Untold {
			return err
		}
	}
}
