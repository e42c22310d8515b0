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
// Entries that cannot be read are left out, and options that cannot be read have
// their defaults, with one warning for all. Errors are *messages.LayerFailure.
func (c *Client) Restore(ctx context.Context) (messages.Restored, error) {
	fields, err := c.registry(ctx, c.keys)
	if err != nil {
		return messages.Restored{}, c.failure("reading the stored subscriptions", err)
	}
	c.mark.read(len(fields), fields[editionField])
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
	put, gone := collapse(changes)
	news := c.news(&put, gone)
	sessions := sessionsIn(changes)
	if len(put)+len(gone)+len(sessions) == 0 {
		return nil
	}
	key := c.keys.subscriptions()
	var added, removed []*redis.IntCmd
	var length *redis.IntCmd
	_, err := c.redis.TxPipelined(ctx, func(p redis.Pipeliner) error {
		for chunk := range slices.Chunk(put, 2*registryChunk) {
			added = append(added, p.HSet(ctx, key, chunk))
		}
		for chunk := range slices.Chunk(gone, registryChunk) {
			removed = append(removed, p.HDel(ctx, key, chunk...))
		}
		length = p.HLen(ctx, key)
		if len(sessions) > 0 {
			p.SAdd(ctx, c.keys.sessions(), sessions...)
		}
		if news != "" {
			p.Publish(ctx, c.keys.news(), news)
		}
		return nil
	})
	if err != nil {
		return c.failure("storing subscriptions", err)
	}
	c.mark.wrote(total(added)-total(removed), length.Val(), put)
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
