package layer

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
)

// groups are those that a client of a pub/sub layer is in, each with what ends its
// listening.
type groups struct {
	mu     sync.Mutex
	leave  map[string]func()
	closed bool
}

// Join has Receive return what is published to a group, until Leave or Close, beside what
// comes to the client's own channel: once Join has returned nothing is missed but what
// comes while Redis is unreachable. Errors are *messages.LayerFailure.
func (p *PubSub) Join(ctx context.Context, group string) error {
	channel := p.topic(messages.Target{Name: group})
	server := p.on(channel)
	client := redis.NewClient(server.host.options(ctx, 1))
	sub := client.Subscribe(ctx, channel)
	if _, err := sub.Receive(ctx); err != nil {
		_ = sub.Close()
		_ = client.Close()
		return server.failure("joining group/"+group, err)
	}
	var listener sync.WaitGroup
	leave := func() {
		_ = sub.Close()
		listener.Wait()
		_ = client.Close()
	}
	if !p.groups.add(group, leave) {
		leave()
		return server.failure("joining group/"+group, fmt.Errorf("it was joined already, or %w", redis.ErrClosed))
	}
	if err := p.Attend(ctx); err != nil {
		return err
	}
	received := sub.Channel()
	listener.Go(func() {
		for m := range received {
			p.subscriber.own(m.Payload)
		}
	})
	return nil
}

// Leave ends what Join began.
func (p *PubSub) Leave(_ context.Context, group string) error {
	p.groups.mu.Lock()
	leave := p.groups.leave[group]
	delete(p.groups.leave, group)
	p.groups.mu.Unlock()
	if leave != nil {
		leave()
	}
	return nil
}

// Discard does nothing: nothing waits.
func (p *PubSub) Discard(context.Context) error { return nil }

func (g *groups) add(group string, leave func()) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed || g.leave[group] != nil {
		return false
	}
	if g.leave == nil {
		g.leave = map[string]func(){}
	}
	g.leave[group] = leave
	return true
}

// close leaves all groups.
func (g *groups) close() {
	g.mu.Lock()
	g.closed = true
	all := g.leave
	g.leave = nil
	g.mu.Unlock()
	for _, leave := range all {
		leave()
	}
}

// Attend begins to listen to the own channel, and returns when what comes there is ours:
// what was sent before is lost. Errors are *messages.LayerFailure.
func (p *PubSub) Attend(ctx context.Context) error {
	if err := p.subscriber.attend(ctx); err != nil {
		return p.subscriber.server.failure("listening to channel "+p.config.Channel, err)
	}
	return nil
}

// attend begins to listen to the own channel, and returns when what comes there is ours.
func (s *subscriber) attend(ctx context.Context) error {
	if err := s.open(ctx, nil); err != nil {
		return err
	}
	for {
		s.mu.Lock()
		live, holding, err := s.live, s.holding, s.failed
		s.mu.Unlock()
		if holding {
			return nil
		}
		if !live {
			return cmp.Or(err, redis.ErrClosed)
		}
		if !pause(ctx, attendEvery) {
			return ctx.Err()
		}
	}
}

// attendEvery is the time between two checks whether the lease on the own channel has
// come, which takes a round trip or two.
const attendEvery = 5 * time.Millisecond

// own takes in what is for this client alone, whoever holds the lease on commands.
func (s *subscriber) own(body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ready.full(s.client.config.CommandMemory) {
		s.dropped++
		s.overflow.Add(1)
		return
	}
	s.ready.add(s.member(body))
	notify(s.signal)
}
