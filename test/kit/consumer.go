package kit

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"chanmqttproxy/messages"
)

// Consumer is the consumer of a Django process of its own, in one group. It reads
// all the time and keeps what it got.
type Consumer struct {
	*Django
	Group   string
	mu      sync.Mutex
	events  []messages.Map
	answers map[string]messages.Map // by id
	asked   int
}

// NewConsumer makes a consumer on the layer with default settings.
func NewConsumer(t testing.TB, redis, group string) *Consumer {
	t.Helper()
	c := &Consumer{Django: NewDjango(t, redis), Group: group, answers: map[string]messages.Map{}}
	c.Join(group)
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			c.take(c.Read(50 * time.Millisecond))
			select {
			case <-stop:
				return
			default:
			}
		}
	}()
	t.Cleanup(func() {
		close(stop)
		<-done
	})
	return c
}

func (c *Consumer) take(list []messages.Map) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range list {
		if id, ok := m.Get("id"); ok {
			c.answers[fmt.Sprint(id)] = m
		} else {
			c.events = append(c.events, Event(c.t, m))
		}
	}
}

// Events are the messages that came so far, in order.
func (c *Consumer) Events() []messages.Map {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.events)
}

// Ask sends commands, waits until all of them are answered, and returns the answers.
func (c *Consumer) Ask(within time.Duration, commands ...messages.Map) []messages.Map {
	c.t.Helper()
	ids, asking := make([]string, len(commands)), make([]messages.Map, len(commands))
	for i, m := range commands {
		c.asked++
		ids[i] = fmt.Sprint("ask-", c.asked)
		asking[i] = append(slices.Clone(m), messages.Pair{Key: "id", Value: ids[i]},
			messages.Pair{Key: "reply_channel", Value: c.Channel()})
	}
	c.Send(asking...)
	answers := make([]messages.Map, len(ids))
	Eventually(c.t, within, fmt.Sprintf("%d commands of %s are answered", len(ids), c.Group), func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		for i, id := range ids {
			answers[i] = c.answers[id]
			if answers[i] == nil {
				return false
			}
		}
		return true
	})
	return answers
}
