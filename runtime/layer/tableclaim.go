package layer

import (
	"cmp"
	"context"
	"maps"
	"slices"
)

// claim reads a table and makes it that of this holder of the slot. Where there is none, or
// only a part of one, it is made: first holds what it has then, beside what is there.
func (c *Core) claim(ctx context.Context, w *tableWriter, first func() (map[string]string, error)) ([]entry, error) {
	for range 3 {
		whole, there, err := c.readWhole(ctx, w.table)
		if err != nil {
			return nil, err
		}
		w.life, w.number = whole.at.Life, whole.at.Number
		if !there || !whole.whole {
			return c.makeLost(ctx, w, first)
		}
		// Who held the slot before may have written while this was read.
		read := w.number
		switch err := c.writeSome(ctx, nil, []*tableWriter{w}, ""); {
		case err == errTableLost:
			return c.makeLost(ctx, w, first)
		case err != nil:
			return nil, err
		case w.number != read:
			continue
		}
		list, reseal := c.opened(w.table, whole)
		for i := range reseal {
			reseal[i].to = w
		}
		if len(reseal) > 0 {
			err = c.writeTables(ctx, reseal, nil, "")
		}
		return list, err
	}
	return nil, errTableLost
}

func stay(string) bool { return true }

// makeLost makes a table of which Redis has lost something. Other slots act by the registry:
// they see it again when Write has added what the holder of the first one knows.
func (c *Core) makeLost(ctx context.Context, w *tableWriter, first func() (map[string]string, error)) ([]entry, error) {
	if w == &c.storing.registry && c.keys.slot == 0 {
		c.storing.lost = true
		return c.make(ctx, w, first, stay)
	}
	return c.make(ctx, w, first, stay, w)
}

// make begins another life of a table: with the fields that first gives, and with those that
// are there already and stay. Readers see the tables that become whole.
func (c *Core) make(ctx context.Context, w *tableWriter, first func() (map[string]string, error), stays func(field string) bool, whole ...*tableWriter) ([]entry, error) {
	want, err := first()
	if err != nil {
		return nil, err
	}
	if err := c.openTable(ctx, w); err != nil {
		return nil, err
	}
	found, _, err := c.readWhole(ctx, w.table)
	if err != nil {
		return nil, err
	}
	entries, list := c.opened(w.table, found)
	has := map[string]bool{}
	for _, e := range entries {
		value, wanted := want[e.field]
		has[e.field] = value == e.value
		if !wanted && !stays(e.field) {
			list = append(list, edit{change: entry{field: e.field}})
		}
	}
	for _, field := range slices.Sorted(maps.Keys(want)) {
		if !has[field] {
			list = append(list, edit{change: entry{field: field, value: want[field]}})
		}
	}
	for i := range list {
		list[i].to = w
	}
	if err := c.writeTables(ctx, list, whole, ""); err != nil {
		return nil, err
	}
	found, _, err = c.readWhole(ctx, w.table)
	entries, _ = c.opened(w.table, found)
	return entries, err
}

// opened are the entries of a table in clear, oldest change first, and the edits by which all
// is sealed by the first key. Those in clear, from before there were keys, count only as long
// as none is sealed: else whoever can write to Redis could add some. It warns of what cannot
// be opened, which stays.
func (c *Core) opened(t table, whole wholeTable) (list []entry, reseal []edit) {
	var inClear []entry
	unknown, opens := 0, 0
	for _, stored := range whole.fields {
		e, ok := c.sealer.openTo(t.key, stored)
		switch {
		case !ok && c.sealer != nil && !isSealed(stored.field):
			inClear = append(inClear, stored)
			continue
		case !ok:
			unknown++
			continue
		}
		opens++
		now := c.sealer.field(t.key, e.field)
		_, newer := whole.fields[now]
		if now != stored.field {
			reseal = append(reseal, edit{change: stored, stale: true})
		}
		if e.gone() || now != stored.field && newer {
			continue
		}
		list = append(list, e)
		if now != stored.field {
			reseal = append(reseal, edit{change: e})
		}
	}
	if opens == 0 {
		for _, e := range inClear {
			reseal = append(reseal, edit{change: e, stale: true})
			if !e.gone() {
				list = append(list, e)
				reseal = append(reseal, edit{change: e})
			}
		}
		inClear = nil
	}
	if unknown+len(inClear) > 0 {
		c.log.Warn("cannot decrypt some stored subscriptions: add the old key behind the new one in symmetric_encryption_keys",
			"undeciphered", unknown, "in_clear", len(inClear), "key", t.key)
	}
	slices.SortFunc(list, func(a, b entry) int { return cmp.Compare(a.number, b.number) })
	return list, reseal
}
