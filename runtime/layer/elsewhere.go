package layer

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
)

// newsSilence is how long nothing is heard of other slots before it is looked whether
// something was missed.
const newsSilence = 5 * time.Second

// elsewhere is what a client knows of other slots. It belongs to the one caller of
// Elsewhere.
type elsewhere struct {
	mu    sync.Mutex // held while sub is set
	sub   *redis.PubSub
	heard <-chan *redis.Message
	known map[int]string // editions, by slot
}

// Elsewhere waits until the slots below this one have changed what they serve, of so
// many slots as there are, and says how: at first, and where something was missed, all
// of it. One call at a time may be made. Errors are *messages.LayerFailure; after one
// everything is told again.
func (c *Client) Elsewhere(ctx context.Context, slots int) ([]messages.Elsewhere, error) {
	e := &c.elsewhere
	if e.sub == nil {
		e.known = map[int]string{}
		e.set(c.redis.Subscribe(ctx, c.keys.news()))
		if _, err := e.sub.Receive(ctx); err != nil {
			return nil, c.deaf("listening for what other session slots serve", err)
		}
		e.heard = e.sub.Channel()
	}
	for {
		changes, err := c.missed(ctx, min(slots, c.config.Slot))
		if err != nil {
			return nil, c.deaf("reading what other session slots serve", err)
		}
		if len(changes) > 0 {
			return changes, nil
		}
		if changes := c.listen(ctx); len(changes) > 0 {
			return changes, nil
		}
		if ctx.Err() != nil {
			return nil, c.deaf("listening for what other session slots serve", ctx.Err())
		}
	}
}

// deaf has the next call begin anew.
func (c *Client) deaf(doing string, err error) error {
	c.elsewhere.set(nil)
	return c.failure(doing, err)
}

// set listens by another connection, or by none.
func (e *elsewhere) set(sub *redis.PubSub) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.sub != nil {
		_ = e.sub.Close()
	}
	e.sub = sub
}

// close ends the listening of a client that is closed.
func (e *elsewhere) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.sub != nil {
		_ = e.sub.Close()
	}
}

// listen waits for news of which none before was missed; nil: there may be some.
func (c *Client) listen(ctx context.Context) []messages.Elsewhere {
	silence := time.NewTimer(newsSilence)
	defer silence.Stop()
	for {
		var m *redis.Message
		select {
		case m = <-c.elsewhere.heard:
		case <-silence.C:
			return nil
		case <-ctx.Done():
			return nil
		}
		var n news
		if m == nil || !c.openNews(m.Payload, &n) {
			return nil
		}
		switch e := &c.elsewhere; {
		case n.Slot >= c.config.Slot || e.known[n.Slot] == editionOf(n.Client, n.Count):
		case e.known[n.Slot] != editionOf(n.Client, n.Count-1):
			return nil
		default:
			e.known[n.Slot] = editionOf(n.Client, n.Count)
			return []messages.Elsewhere{n.change()}
		}
	}
}

// openNews reads what another slot has published.
func (c *Client) openNews(payload string, into *news) bool {
	text, ok := c.sealer.openMessage(payload)
	return ok && json.Unmarshal([]byte(text), into) == nil
}

// change is what news say.
func (n news) change() messages.Elsewhere {
	e := messages.Elsewhere{Slot: n.Slot}
	for field, value := range n.Put {
		if s, leaving, ok := parseField(field); ok && !leaving {
			parseOptions(value, &s)
			e.Put = append(e.Put, s)
		}
	}
	for _, field := range n.Gone {
		if s, leaving, ok := parseField(field); ok && !leaving {
			e.Gone = append(e.Gone, s)
		}
	}
	return e
}

// missed reads all of those slots whose edition is another than the known one.
func (c *Client) missed(ctx context.Context, slots int) (changes []messages.Elsewhere, err error) {
	for slot := range slots {
		of := c.keys
		of.slot = slot
		edition, err := c.redis.HGet(ctx, of.subscriptions(), editionField).Result()
		if err != nil && err != redis.Nil {
			return nil, err
		}
		known, ok := c.elsewhere.known[slot]
		if ok && known == edition {
			continue
		}
		fields, err := c.registry(ctx, of)
		if err != nil {
			return nil, err
		}
		// What was stored while this was read comes as news, or is read again.
		c.elsewhere.known[slot] = edition
		all := news{Slot: slot, Put: c.sealer.open(of.subscriptions(), fields).entries}.change()
		all.All = true
		changes = append(changes, all)
	}
	return changes, nil
}
