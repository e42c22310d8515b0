package layer

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

// Older versions of the worker keep what is stored in one hash for each session slot, whose
// holder writes it. Newer ones take it in from there, and keep it right for an older one
// that comes back. The revision says who wrote a hash last: ours begins with a word that
// no older version writes, and says over how many slots the entries are spread.

const ourRevision = "registry:"

// oldKey is the hash of a slot.
func (k keys) oldKey(slot int) string { return k.own(slotKey("subscriptions", slot)) }

// oldPlaces says for each of so many slots whether an older version has the entry there. What
// is not in the hashes at all has ok false.
func oldPlaces(e entry, sessions int) (places []bool, ok bool) {
	places = make([]bool, sessions)
	words := wordsOf(e.field)
	switch {
	case len(words) == 2 && words[0] == leavingWord:
		if topic.IsShared(words[1]) {
			return all(places), true
		}
		places[0], places[topic.Slot(words[1], sessions)] = true, true // it may have wanted nothing of our own
		return places, true
	case len(words) == 3:
		var s messages.Stored
		if parseOptions(e.value, &s); s.Unasked || s.Ending {
			return places, true
		}
		switch {
		case s.Options.NoLocal:
			places[0] = true
		case s.Options.Shared:
			return all(places), true
		default:
			places[topic.Slot(words[2], sessions)] = true
		}
		return places, true
	}
	return nil, false
}

func all(places []bool) []bool {
	for i := range places {
		places[i] = true
	}
	return places
}

// oldRegistry is what a change of the registry changes in the hashes of so many slots.
func (c *Core) oldRegistry(change entry, sessions int) (list []oldEdit) {
	if c.keys.slot == messages.StreamSlot {
		return nil
	}
	places, ok := oldPlaces(change, max(1, sessions))
	if !ok {
		return nil
	}
	for slot, there := range places {
		e := entry{field: change.field}
		if there && !change.gone() {
			e.value = oldValue(change)
		}
		list = append(list, oldEdit{c.keys.oldKey(slot), e})
	}
	return list
}

// oldValue is the value of an entry as older versions know it.
func oldValue(e entry) string {
	s, leaving, ok := parseField(e.field)
	if !ok || leaving {
		return e.value
	}
	parseOptions(e.value, &s)
	s.Static, s.Unasked, s.Granted, s.Since = false, false, false, 0
	return formatOptions(s)
}

// oldStatus is what a change of the status changes in the hash of the slot.
func (c *Core) oldStatus(change entry) []oldEdit {
	if !isRefusal(change.field) || c.keys.slot == messages.StreamSlot {
		return nil
	}
	return []oldEdit{{c.keys.oldKey(c.keys.slot), change}}
}

// oldSlots are of how many slots there may be hashes, by the layout of the leases. Older
// versions know no streams.
func (c *Core) oldSlots(ctx context.Context) (int, error) {
	if c.keys.slot == messages.StreamSlot {
		return 0, nil
	}
	sessions, before, err := c.leaseLayout(ctx)
	if err != nil {
		return 0, err
	}
	return min(max(sessions, before, c.storing.sessions, 1), maxSessions), nil
}

// leaseLayout is over how many slots filters are to be spread, and were before if they still
// move; 0: not known, or nothing moves.
func (c *Core) leaseLayout(ctx context.Context) (sessions, before int, err error) {
	layout, err := c.redis.HGet(ctx, c.keys.own("slots"), "layout").Result()
	if err != nil && err != redis.Nil {
		return 0, 0, err
	}
	_, _ = fmt.Sscanf(layout, "%d %d", &sessions, &before)
	return sessions, before, nil
}

// oldRevisions say who wrote the hashes of so many slots last; empty: nobody.
func (c *Core) oldRevisions(ctx context.Context, slots int) (revisions, error) {
	asked := make([]*redis.StringCmd, slots)
	_, err := c.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for slot := range asked {
			asked[slot] = p.HGet(ctx, c.keys.oldKey(slot), revisionField)
		}
		return nil
	})
	if err != nil && err != redis.Nil {
		return nil, err
	}
	var list revisions
	for _, e := range asked {
		list = append(list, e.Val())
	}
	return list, nil
}

type revisions []string

// foreign says whether an older worker wrote one of the hashes last.
func (r revisions) foreign() bool {
	return slices.ContainsFunc(r, func(s string) bool { return s != "" && !strings.HasPrefix(s, ourRevision) })
}

// right says whether we did, and have spread the entries over so many slots.
func (r revisions) right(sessions int) bool {
	return !slices.ContainsFunc(r, func(s string) bool { return s != revisionFor(sessions) })
}

// revisionField is where the revision stands among the fields.
const revisionField = `["edition"]`

func revisionFor(sessions int) string { return ourRevision + strconv.Itoa(sessions) }

// oldStreams says whether an older worker has stored subscriptions of streams in a hash. They
// are brought over once.
func (c *Core) oldStreams(ctx context.Context) (bool, error) {
	if c.keys.slot != messages.StreamSlot {
		return false, nil
	}
	n, err := c.redis.Exists(ctx, c.keys.oldKey(messages.StreamSlot)).Result()
	return n > 0, err
}

// forgetOldStreams removes that hash.
func (c *Core) forgetOldStreams(ctx context.Context) error {
	if c.keys.slot != messages.StreamSlot {
		return nil
	}
	return c.redis.Del(ctx, c.keys.oldKey(messages.StreamSlot)).Err()
}

// importOld are the entries of the hashes of all slots: what is wanted, and what may be at
// the broker though nobody wants it.
func (c *Core) importOld(ctx context.Context, slots int) (registry map[string]string, err error) {
	registry = map[string]string{}
	if c.keys.slot == messages.StreamSlot {
		return registry, c.importSlot(ctx, c.keys.slot, registry)
	}
	for slot := range slots {
		if err := c.importSlot(ctx, slot, registry); err != nil {
			return nil, err
		}
	}
	return registry, nil
}

// importSlot adds those of one slot.
func (c *Core) importSlot(ctx context.Context, slot int, registry map[string]string) error {
	fields, err := c.oldEntries(ctx, slot)
	for field, value := range fields {
		s, leaving, ok := parseField(field)
		if ok && !leaving {
			ok, _ = parseOptions(value, &s)
			s.Granted = false
			value = formatOptions(s)
		}
		if ok {
			registry[field] = value
		}
	}
	return err
}

// oldChunk is how many entries of a hash one command reads or changes.
const oldChunk = 1000

// oldEntries are those of the hash of a slot, in clear. A scan may return one twice.
func (c *Core) oldEntries(ctx context.Context, slot int) (map[string]string, error) {
	key, fields := c.keys.oldKey(slot), map[string]string{}
	for cursor := uint64(0); ; {
		list, next, err := c.redis.HScan(ctx, key, cursor, "", oldChunk).Result()
		if err != nil {
			return nil, err
		}
		for i := 0; i+1 < len(list); i += 2 {
			fields[list[i]] = list[i+1]
		}
		if cursor = next; cursor == 0 {
			return c.sealer.open(key, fields), nil
		}
	}
}

// exportOld writes the hashes of so many slots anew: their revisions, first and last, say
// whether that is done.
func (c *Core) exportOld(ctx context.Context, slots int) error {
	s := &c.storing
	if err := c.redis.HSet(ctx, c.keys.oldKey(0), revisionField, ourRevision).Err(); err != nil {
		return err
	}
	whole, _, err := c.readWhole(ctx, s.registry.table)
	if err != nil {
		return err
	}
	entries, _ := c.opened(s.registry.table, whole)
	for slot := range slots {
		if err := c.exportSlot(ctx, slot, entries); err != nil {
			return err
		}
	}
	_, err = c.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for slot := range slots {
			p.HSet(ctx, c.keys.oldKey(slot), revisionField, revisionFor(s.sessions))
		}
		return nil
	})
	return err
}

// exportSlot writes the hash of a slot anew, but for what its holder writes there.
func (c *Core) exportSlot(ctx context.Context, slot int, registry []entry) error {
	key := c.keys.oldKey(slot)
	had, err := c.oldEntries(ctx, slot)
	if err != nil {
		return err
	}
	var put, gone []string
	for _, e := range registry {
		if places, ok := oldPlaces(e, c.storing.sessions); !ok || slot >= len(places) || !places[slot] {
			continue
		}
		if value := oldValue(e); had[e.field] != value {
			put = append(put, e.field, value)
		}
		delete(had, e.field)
	}
	for field := range had {
		if _, _, ok := parseField(field); ok {
			gone = append(gone, field)
		}
	}
	c.sealer.changes(key, put, gone)
	for chunk := range slices.Chunk(put, 2*oldChunk) {
		if err := c.redis.HSet(ctx, key, chunk).Err(); err != nil {
			return err
		}
	}
	for chunk := range slices.Chunk(gone, oldChunk) {
		if err := c.redis.HDel(ctx, key, chunk...).Err(); err != nil {
			return err
		}
	}
	return nil
}
