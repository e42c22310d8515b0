package layer

import (
	"context"
	"sync"

	"github.com/redis/go-redis/v9"
)

// mark is how many fields the stored subscriptions are to have, and their edition.
type mark struct {
	mu      sync.Mutex
	fields  int64
	edition string
	lost    bool // there were fewer or more as something was written
}

// read notes that all was read.
func (m *mark) read(fields int, edition string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fields, m.edition, m.lost = int64(fields), edition, false
}

// wrote notes a write: how many fields it has added, less those removed, how many there
// were then, and what was put, whose last is the edition if there is one.
func (m *mark) wrote(added, fields int64, put []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lost = m.lost || m.fields+added != fields
	m.fields = fields
	if n := len(put); n > 0 && put[n-2] == editionField {
		m.edition = put[n-1]
	}
}

// holds says whether that is what is there.
func (m *mark) holds(fields int64, edition string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return !m.lost && m.fields == fields && m.edition == edition
}

// Intact says whether Redis holds what Restore has returned and Store has changed since,
// as far as the number of entries and the edition show, and the marker of a session; ""
// means none. The client id, unless "", is written again where none is. Errors are
// *messages.LayerFailure.
func (c *Client) Intact(ctx context.Context, clientID, session string) (bool, error) {
	key := c.keys.subscriptions()
	var fields *redis.IntCmd
	var edition *redis.StringCmd
	var marked *redis.BoolCmd
	_, err := c.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		fields, marked = p.HLen(ctx, key), p.SIsMember(ctx, c.keys.sessions(), session)
		edition = p.HGet(ctx, key, editionField) // last: where there is none that is an error
		return nil
	})
	if err != nil && err != redis.Nil {
		return false, c.failure("looking whether the subscriptions are stored", err)
	}
	if err := c.keepClientID(ctx, clientID); err != nil {
		return false, err
	}
	return c.mark.holds(fields.Val(), edition.Val()) && (session == "" || marked.Val()), nil
}

// keepClientID stores the MQTT client id, unless it is "" or one is there.
func (c *Client) keepClientID(ctx context.Context, clientID string) error {
	if clientID == "" {
		return nil
	}
	err := c.redis.SetArgs(ctx, c.keys.clientID(), clientID, redis.SetArgs{Mode: "NX"}).Err()
	if err != nil && err != redis.Nil {
		return c.failure("storing the MQTT client id", err)
	}
	return nil
}

// total is the sum of what commands of a transaction have answered.
func total(commands []*redis.IntCmd) (sum int64) {
	for _, c := range commands {
		sum += c.Val()
	}
	return sum
}
