package layer

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
)

const (
	// followSilence is how long no change comes before the tables are looked
	// at all the same, and followPoll how long where Redis does not announce changes.
	followSilence = 5 * time.Second
	followPoll    = 500 * time.Millisecond
)

// follower is what a client knows that follows the tables. It belongs to the one caller of
// Follow.
type follower struct {
	mu       sync.Mutex // held while sub is set
	sub      *redis.PubSub
	received <-chan any
	polls    bool                         // Redis does not let it subscribe to changes
	due      map[string]bool              // may have changed
	read     map[string]messages.Position // there was nothing beyond
}

// Follow reads what has changed in the registry and in the statuses of the slots beyond the
// positions: known[0] is that of the registry, known[1+k] that of slot k. If wait it waits
// until there is something; else it returns nothing where nothing has changed. Pages of one
// table are in their order, and of some hundred entries. Where Redis has lost a table there
// is no page of it until its writer has written it again, as a whole. One call at a time may
// be made. Errors are *messages.LayerFailure.
func (c *Core) Follow(ctx context.Context, known []messages.Position, wait bool) ([]messages.Page, error) {
	if len(known) == 0 {
		return nil, nil
	}
	pages, err := c.follow(ctx, c.keys.tables(len(known)-1), known, wait)
	if err != nil {
		if ctx.Err() == nil {
			c.follower.set(nil) // it may have missed something
		}
		return nil, c.failure("following the session slots", err)
	}
	return pages, nil
}

// tables are the registry and the statuses of so many slots.
func (k keys) tables(slots int) []table {
	tables := []table{k.registry()}
	for slot := range slots {
		tables = append(tables, k.status(slot))
	}
	return tables
}

func (c *Core) follow(ctx context.Context, tables []table, known []messages.Position, wait bool) ([]messages.Page, error) {
	f := &c.follower
	if err := c.attend(ctx, wait); err != nil {
		return nil, err
	}
	if !wait {
		if err := c.compare(ctx, tables, known); err != nil {
			return nil, err
		}
	}
	for i, t := range tables {
		if read, ok := f.read[t.name]; wait && (!ok || read != known[i]) {
			f.due[t.name] = true
		}
	}
	for {
		pages, err := c.readDue(ctx, tables, known)
		if err != nil || len(pages) > 0 || !wait {
			return pages, err
		}
		if err := c.await(ctx, tables, known); err != nil {
			return nil, err
		}
	}
}

// readDue reads what is new in those tables that may have changed.
func (c *Core) readDue(ctx context.Context, tables []table, known []messages.Position) (pages []messages.Page, err error) {
	f := &c.follower
	for i, t := range tables {
		if !f.due[t.name] {
			continue
		}
		always := ""
		if i > 0 {
			always = c.sealer.field(t.key, statusField)
		}
		p, there, err := c.readTable(ctx, t, known[i], false, always)
		if err != nil {
			return nil, err
		}
		if delete(f.due, t.name); !there || p.at == known[i] {
			f.read[t.name] = known[i]
			continue
		}
		if delete(f.read, t.name); !p.more {
			f.read[t.name] = p.at
		}
		pages = append(pages, c.pageOf(t, i-1, p))
	}
	return pages, nil
}

// pageOf makes a page of what was read.
func (c *Core) pageOf(t table, number int, p tablePage) messages.Page {
	page := messages.Page{Table: number, Reset: p.reset, Partial: p.more, At: p.at}
	options, odd := optionsReader{}, 0
	for _, e := range p.entries {
		clear, ok := c.sealer.openTo(t.key, e)
		if !ok || !clear.take(&page, &options) {
			odd++
		}
	}
	if p.always != "" {
		if status, ok := c.sealer.openTo(t.key, entry{field: c.sealer.field(t.key, statusField), value: p.always}); ok {
			page.Status = parseStatus(status.value)
		}
	}
	if odd > 0 {
		c.log.Debug("left out what cannot be read", "entries", odd, "key", t.key)
	}
	return page
}

// attend has the client receive changes, if it is to wait and does not yet.
func (c *Core) attend(ctx context.Context, wait bool) error {
	f := &c.follower
	if f.due == nil {
		f.due, f.read = map[string]bool{}, map[string]messages.Position{}
	}
	if !wait || f.sub != nil {
		return nil
	}
	clear(f.read)
	sub := c.redis.Subscribe(ctx, c.keys.changes())
	_, err := sub.Receive(ctx)
	if answer := redis.Error(nil); err != nil && !(errors.As(err, &answer) && lasting(err)) {
		_ = sub.Close()
		return err
	}
	f.set(sub)
	if f.polls = err != nil; !f.polls { // else nothing announces changes: it polls for them
		f.received = sub.ChannelWithSubscriptions()
	}
	return nil
}

// set receives by another connection, or by none.
func (f *follower) set(sub *redis.PubSub) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.sub != nil {
		_ = f.sub.Close()
	}
	f.sub, f.received = sub, nil
}

// close ends the hearing of a client that is closed.
func (f *follower) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.sub != nil {
		_ = f.sub.Close()
	}
}

// await waits until a table may have changed.
func (c *Core) await(ctx context.Context, tables []table, known []messages.Position) error {
	f := &c.follower
	silence := followSilence
	if f.polls {
		silence = followPoll
	}
	timer := time.NewTimer(silence)
	defer timer.Stop()
	for len(f.due) == 0 {
		select {
		case m, open := <-f.received:
			if !open {
				return redis.ErrClosed
			}
			f.changed(m, tables, known)
		case <-timer.C:
			return c.compare(ctx, tables, known)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for { // what else was told meanwhile is read once
		select {
		case m, open := <-f.received:
			if !open {
				return nil
			}
			f.changed(m, tables, known)
		default:
			return nil
		}
	}
}

// changed notes which table has changed.
func (f *follower) changed(event any, tables []table, known []messages.Position) {
	m, ok := event.(*redis.Message)
	if !ok { // it is subscribed again, and may have missed something
		for _, t := range tables {
			f.due[t.name] = true
		}
		return
	}
	words := strings.Fields(m.Payload) // see tablewrite.lua
	for i, t := range tables {
		if len(words) == 3 && t.name == words[0] && differs(known[i], words[1:]) {
			f.due[t.name] = true
		}
	}
}

// differs says whether a table of a life and number is not where a reader is.
func differs(at messages.Position, words []string) bool {
	return at.Life != words[0] || formatNumber(at.Number) != words[1]
}

// compare looks which tables have changed, all in one trip.
func (c *Core) compare(ctx context.Context, tables []table, known []messages.Position) error {
	heads := make([]*redis.StringCmd, len(tables))
	_, err := c.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, t := range tables {
			heads[i] = p.HGet(ctx, t.key, headField)
		}
		return nil
	})
	if err != nil && err != redis.Nil {
		return err
	}
	for i, t := range tables {
		if words := strings.Fields(heads[i].Val()); len(words) > 2 && differs(known[i], words[1:3]) {
			c.follower.due[t.name] = true
		}
	}
	return nil
}
