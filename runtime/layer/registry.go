package layer

import (
	"context"
	"maps"
	"slices"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
)

// registryChunk is how many entries one command reads or changes.
const registryChunk = 1000

// Restore returns the subscriptions that are stored for this prefix and channel, the
// filters that are marked as leaving, and those that the MQTT broker has refused, each
// in the order of its field.
// Entries that cannot be read, or decrypted, are left out, and options that cannot be read have
// their defaults, with one warning for all. Errors are *messages.LayerFailure.
func (c *Client) Restore(ctx context.Context) (messages.Restored, error) {
	stored, err := c.registry(ctx, c.keys)
	if err != nil {
		return messages.Restored{}, c.failure("reading the stored subscriptions", err)
	}
	fields, err := c.unsealed(ctx, stored)
	if err != nil {
		return messages.Restored{}, err
	}
	all := messages.Restored{Stored: make([]messages.Stored, 0, len(fields))}
	odd := 0
	delete(fields, editionField)
	for _, field := range slices.Sorted(maps.Keys(fields)) {
		if r, ok := parseRefusal(field, fields[field]); ok {
			all.Refused = append(all.Refused, r)
			continue
		}
		s, gone, ok := parseField(field)
		switch {
		case !ok:
			odd++
		case gone:
			all.Leaving = append(all.Leaving, s.Filter)
		default:
			var readable, clean bool
			if readable, clean = parseOptions(fields[field], &s); !clean {
				odd++
			}
			if readable {
				all.Stored = append(all.Stored, s)
			}
		}
	}
	if odd > 0 {
		c.log.Warn("left out of the stored subscriptions what cannot be read", "entries", odd, "key", c.keys.subscriptions())
	}
	return all, nil
}

// unsealed are the stored entries in clear. Those that are not sealed by the first key
// are stored anew.
func (c *Client) unsealed(ctx context.Context, stored map[string]string) (map[string]string, error) {
	key := c.keys.subscriptions()
	o := c.sealer.open(key, stored)
	if o.unknown+o.unsealed > 0 {
		c.log.Warn("left out stored subscriptions, and kept them: give the key that they were encrypted with, behind the new one, in symmetric_encryption_keys",
			"undeciphered", o.unknown, "in_clear", o.unsealed, "key", key)
	}
	fields := int64(len(stored))
	if len(o.put)+len(o.gone) > 0 {
		var w written
		_, err := c.redis.TxPipelined(ctx, func(p redis.Pipeliner) error {
			w.change(ctx, p, key, o.put, o.gone)
			return nil
		})
		if err != nil {
			return nil, c.failure("encrypting the stored subscriptions", err)
		}
		fields += total(w.added) - total(w.removed)
	}
	c.mark.read(int(fields), stored[editionField])
	return o.entries, nil
}

// written are the answers to a change of the fields of one key: how many were new, how
// many are gone, and how many there are then.
type written struct {
	added, removed []*redis.IntCmd
	length         *redis.IntCmd
}

// change puts fields with their values, and removes others.
func (w *written) change(ctx context.Context, p redis.Pipeliner, key string, put, gone []string) {
	for chunk := range slices.Chunk(put, 2*registryChunk) {
		w.added = append(w.added, p.HSet(ctx, key, chunk))
	}
	for chunk := range slices.Chunk(gone, registryChunk) {
		w.removed = append(w.removed, p.HDel(ctx, key, chunk...))
	}
	w.length = p.HLen(ctx, key)
}

// registry reads all fields of a slot. A scan may tell of one twice.
func (c *Client) registry(ctx context.Context, of keys) (map[string]string, error) {
	fields := map[string]string{}
	for cursor := uint64(0); ; {
		list, next, err := c.redis.HScan(ctx, of.subscriptions(), cursor, "", registryChunk).Result()
		if err != nil {
			return nil, err
		}
		for i := 0; i+1 < len(list); i += 2 {
			fields[list[i]] = list[i+1]
		}
		if cursor = next; cursor == 0 {
			return fields, nil
		}
	}
}

// Store changes what is stored: all of it or nothing, and of changes to the same
// entry the last one counts. It may be repeated. Errors are
// *messages.LayerFailure.
func (c *Client) Store(ctx context.Context, changes []messages.Change) error {
	if err := c.openStreams(ctx, changes); err != nil {
		return err
	}
	put, gone := collapse(changes)
	sessions := sessionsIn(changes)
	if len(put)+len(gone)+len(sessions) == 0 {
		return nil
	}
	key := c.keys.subscriptions()
	c.sealer.changes(key, put, gone)
	var w written
	_, err := c.redis.TxPipelined(ctx, func(p redis.Pipeliner) error {
		w.change(ctx, p, key, put, gone)
		if len(sessions) > 0 {
			p.SAdd(ctx, c.keys.sessions(), sessions...)
		}
		return nil
	})
	if err != nil {
		return c.failure("storing subscriptions", err)
	}
	c.mark.wrote(total(w.added)-total(w.removed), w.length.Val(), put)
	return nil
}

// collapse makes of all changes the fields and values to set, and the fields to
// delete, each field once.
func collapse(changes []messages.Change) (put, gone []string) {
	last := make(map[string]string, len(changes)) // to the value; "": none
	for _, c := range changes {
		if c.Put != nil {
			last[storedField(*c.Put)] = formatOptions(*c.Put)
		}
		if c.Remove != nil {
			last[storedField(*c.Remove)] = ""
		}
		if c.Leaving != "" {
			last[leavingField(c.Leaving)] = "{}"
		}
		if c.Gone != "" {
			last[leavingField(c.Gone)] = ""
		}
		if r := c.Refusal; r != nil {
			last[refusedField(r.Filter)] = format(storedRefusal{r.Kind, r.Code})
		}
		if c.Accepted != "" {
			last[refusedField(c.Accepted)] = ""
		}
	}
	for field, value := range last {
		if value == "" {
			gone = append(gone, field)
		} else {
			put = append(put, field, value)
		}
	}
	return put, gone
}
