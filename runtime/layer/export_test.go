package layer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
)

// Preview is how a dead letter is shown.
func Preview(member string) string {
	config := Config{}.withDefaults()
	c := &Core{config: config, codec: newCodec(config, 0, time.Now)}
	return c.preview(member)
}

// Encrypt makes the token of plain.
func Encrypt(keys []string, plain []byte, now time.Time, iv [16]byte) string {
	return string(newFernet(keys, 0).append(nil, plain, now, iv))
}

// Decrypt opens a token that may be so old.
func Decrypt(keys []string, token string, maxAge time.Duration, now time.Time) ([]byte, error) {
	return newFernet(keys, maxAge).open(token, now)
}

// Ring is the host of n that has a name.
func Ring(name string, n int) int { return ring(name, n) }

// ReadBody reads a body at a time, with a limited age of tokens.
func ReadBody(c Config, body string, now time.Time) (messages.Map, error) {
	c = c.withDefaults()
	return newCodec(c, c.maxTokenAge(), func() time.Time { return now }).decode(body)
}

// CapacityOf is the capacity of a channel.
func CapacityOf(c Config, channel string) int { return c.withDefaults().capacityOf(channel) }

// ParseEntry reads one entry of the stored subscriptions.
func ParseEntry(field, value string) (s messages.Stored, leaving, ok bool) {
	s, leaving, ok = parseField(field)
	if ok && !leaving {
		ok, _ = parseOptions(value, &s)
	}
	return s, leaving, ok
}

// ParseRefusal reads an entry of a refused filter, and FormatRefusal writes one.
func ParseRefusal(field, value string) (messages.FilterRefusal, bool) {
	return parseRefusal(field, value)
}

// FormatRefusal is the opposite of ParseRefusal.
func FormatRefusal(r messages.FilterRefusal) (field, value string) {
	return refusedField(r.Filter), format(storedRefusal{r.Kind, r.Code})
}

// FormatEntry writes one entry of the stored subscriptions.
func FormatEntry(s messages.Stored) (field, value string) {
	return storedField(s), formatOptions(s)
}

// Freeze stops the client's clock. It is to be called before anything is sent.
func (c *Core) Freeze(at time.Time) { c.clock.stopped = at }

// Head is what can be read of a body that cannot be decoded.
func Head(c Config, body string) messages.Map {
	return newCodec(c.withDefaults(), 0, time.Now).head(body)
}

// StreamFormat is the version of the format of streams.
const StreamFormat = streamFormat

// StreamBody is an event as an entry of a stream in clear has it.
func StreamBody(e messages.Event) string {
	config := Config{}.withDefaults()
	body, _ := (&Core{config: config, codec: newCodec(config, 0, time.Now)}).streamBody(e)
	return body
}

// Generations reads the generations of a stream, and writes them again.
func Generations(text string) (again string, partitions int, ok bool) {
	list := parseGenerations(text)
	for _, g := range list {
		again += fmt.Sprintf(" %d:%d", g.number, g.partitions)
		partitions += g.partitions
	}
	return again, partitions, len(list) > 0
}

// StreamLetter is how a dead letter of a stream is shown.
func StreamLetter(id, reason, body string) DeadLetter {
	c := &Core{config: Config{}.withDefaults()}
	return c.streamLetter(redis.XMessage{ID: id, Values: map[string]any{"reason": reason, "body": body}})
}

// LeaseAs asks as a version of the program whose script that is.
func (c *Core) LeaseAs(ctx context.Context, script *redis.Script, ask messages.LeaseAsk) (messages.LeaseAnswer, error) {
	return c.lease(ctx, script, ask)
}

// TakeEntry reads an entry of a table.
func TakeEntry(field, value string) (p messages.Page, ok bool) {
	ok = entry{field: field, value: value}.take(&p, &optionsReader{})
	return p, ok
}

// EntriesOf are those that changes make.
func EntriesOf(changes []messages.Change) map[string]string {
	e, all := editsOf(changes), map[string]string{}
	for _, list := range [][]entry{e.registry, e.status} {
		for _, entry := range list {
			all[entry.field] = entry.value
		}
	}
	return all
}

// OldStore stores changes as versions do that have a hash for each slot; revision is what they
// write last.
func (c *Core) OldStore(ctx context.Context, changes []messages.Change, revision string) error {
	key, e := c.keys.oldKey(c.keys.slot), editsOf(changes)
	for _, change := range append(e.registry, e.status...) {
		var put, gone []string
		if change.gone() {
			gone = []string{change.field}
		} else {
			put = []string{change.field, change.value}
		}
		c.sealer.changes(key, put, gone)
		for _, field := range gone {
			if err := c.redis.HDel(ctx, key, field).Err(); err != nil {
				return err
			}
		}
		if len(put) > 0 {
			if err := c.redis.HSet(ctx, key, put).Err(); err != nil {
				return err
			}
		}
	}
	return c.redis.HSet(ctx, key, revisionField, revision).Err()
}

// OldEntries are what such a version finds for a slot.
func (c *Core) OldEntries(ctx context.Context, slot int) (all messages.Restored, err error) {
	fields, err := c.oldEntries(ctx, slot)
	for field, value := range fields {
		s, leaving, ok := parseField(field)
		r, refused := parseRefusal(field, value)
		switch {
		case refused:
			all.Refusals = append(all.Refusals, r)
		case leaving:
			all.Leaving = append(all.Leaving, s.Filter)
		case ok:
			parseOptions(value, &s)
			all.Stored = append(all.Stored, s)
		}
	}
	return all, err
}

// AppendMessage packs a message as Python's packb would.
func AppendMessage(dst []byte, m messages.Map) ([]byte, error) {
	out, err := appendMap(dst, m, 0)
	if err != nil {
		return dst, err
	}
	return out, nil
}

// AppendPayload packs what Python is to see of a payload. ok: it is what mode asks for.
func AppendPayload(dst, payload []byte, mode messages.PayloadMode) (out []byte, ok bool) {
	out, odd := appendPayload(dst, payload, mode)
	return out, odd.payloads == 0
}

// SendMessages writes messages as they are, as Send writes bundles. Each must
// have text in all keys and something in it, and not the layer's own entry
// __asgi_channel__; where one cannot be packed nothing is written. The JSON
// serializer packs no bytes. Errors of Redis are *messages.LayerFailure; a
// repeated call writes again.
func (c *Core) SendMessages(ctx context.Context, target messages.Target, list ...messages.Map) (messages.Outcome, error) {
	l := load{target: target, stamp: c.stamp(target, len(list))}
	l.pack = func(p *packer) (oddities, error) {
		for i, m := range list {
			if err := p.message(m); err != nil {
				return oddities{}, fmt.Errorf("message %d for %s: %w", i, target, err)
			}
		}
		return oddities{}, nil
	}
	return c.transmit(ctx, l)
}

// message appends one message that the caller made up.
func (p *packer) message(m messages.Map) (err error) {
	if len(m) == 0 {
		return errors.New("it is empty, and its reader would ignore it")
	}
	if _, taken := m.Get(asgiChannel); taken {
		return errors.New("its key " + asgiChannel + " belongs to the layer")
	}
	p.startMember()
	if p.buf, err = p.codec.message(p.buf, m, p.extra); err != nil {
		return err
	}
	p.endMember(1)
	return nil
}
