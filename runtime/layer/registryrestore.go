package layer

import (
	"cmp"
	"context"
	"strconv"
	"time"

	"chanmqttproxy/messages"
)

func formatNumber(n uint64) string { return strconv.FormatUint(n, 10) }

// Restore returns what the slot is to begin with: the filters that its status says the
// broker has refused; and of the first slot the registry too, oldest change first. Tables
// that are not there are made: with what older versions of the worker have stored, which
// also counts where one of them stored something later. Afterwards nobody who held the slot
// before can change the tables. A registry that is not there as a whole is shown to readers
// by the next Write, which has to hold what else is known of it: Lost says so.
//
// Entries that cannot be read, or decrypted, are left out, and options that cannot be read
// have their defaults, with one warning for all. Errors are *messages.LayerFailure.
func (c *Core) Restore(ctx context.Context) (messages.Restored, error) {
	s := &c.storing
	s.mu.Lock()
	defer s.mu.Unlock()
	all, err := c.restore(ctx)
	if err != nil {
		return messages.Restored{}, c.failure("reading the stored subscriptions", err)
	}
	return all, nil
}

func (c *Core) restore(ctx context.Context) (all messages.Restored, err error) {
	s := &c.storing
	s.lost = false
	if c.keys.slot <= 0 {
		all, err = c.restoreRegistry(ctx)
	} else {
		err = c.awaitImport(ctx)
	}
	if err != nil {
		return all, err
	}
	list, err := c.claim(ctx, &s.status, func() (map[string]string, error) {
		had, err := c.oldEntries(ctx, c.keys.slot)
		refused := map[string]string{}
		for field, value := range had {
			if isRefusal(field) {
				refused[field] = value
			}
		}
		return refused, err
	})
	if err != nil {
		return all, err
	}
	for _, e := range list {
		if r, ok := parseRefusal(e.field, e.value); ok {
			all.Refusals = append(all.Refusals, r)
		}
	}
	return all, c.forgetOldStreams(ctx)
}

// restoreRegistry claims the registry, and takes in what older workers have stored.
func (c *Core) restoreRegistry(ctx context.Context) (all messages.Restored, err error) {
	s := &c.storing
	slots, err := c.oldSlots(ctx)
	if err != nil {
		return all, err
	}
	old, err := c.oldRevisions(ctx, slots)
	if err != nil {
		return all, err
	}
	imports := func() (map[string]string, error) { return c.importOld(ctx, slots) }
	var list []entry
	streams, err := c.oldStreams(ctx)
	switch {
	case err != nil:
	case streams:
		list, err = c.make(ctx, &s.registry, imports, stay, &s.registry)
	case old.foreign():
		list, err = c.replace(ctx, imports)
	default:
		list, err = c.claim(ctx, &s.registry, imports)
	}
	if err != nil {
		return all, err
	}
	page, options, odd := messages.Page{}, optionsReader{}, 0
	for _, e := range list {
		if !e.take(&page, &options) {
			odd++
		}
	}
	if odd > 0 {
		c.log.Warn("ignored stored subscriptions that cannot be read", "entries", odd, "key", s.registry.key)
	}
	if err := c.adoptOld(ctx, slots); err != nil {
		return all, err
	}
	all = messages.Restored{Stored: page.Stored, Epochs: page.Epochs, Number: s.registry.number, Lost: s.lost}
	for _, l := range page.Leaving {
		all.Leaving = append(all.Leaving, l.Filter)
	}
	s.sessions = slots
	if n := len(page.Epochs); n > 0 {
		s.sessions = page.Epochs[n-1].Sessions
	}
	if slots = max(slots, s.sessions); c.keys.slot == 0 && !old.right(s.sessions) {
		return all, c.exportOld(ctx, slots)
	}
	return all, nil
}

const (
	// importTime is how long the holder of another slot waits until that of the first has
	// taken in what older workers have stored, and importPause is between two checks.
	importTime  = 10 * time.Second
	importPause = 50 * time.Millisecond
)

// awaitImport waits until the registry holds what older workers have stored: whoever resumed
// the session of a slot before would not know what is wanted of what it hands out.
func (c *Core) awaitImport(ctx context.Context) error {
	for until := time.Now().Add(importTime); ; {
		slots, err := c.oldSlots(ctx)
		if err != nil {
			return err
		}
		old, err := c.oldRevisions(ctx, slots)
		if err != nil || !old.foreign() {
			return err
		}
		if time.Now().After(until) {
			c.log.Warn("an older version's subscriptions have not been taken over in time; going on without them", "slot", c.keys.slot)
			return nil
		}
		if !pause(ctx, importPause) {
			return ctx.Err()
		}
	}
}

// replace has the registry hold what older workers have stored since, and nothing else that
// they know of. They may have spread the filters anew: a layout by which the sessions have
// what they have takes the place of those that were known.
func (c *Core) replace(ctx context.Context, imports func() (map[string]string, error)) ([]entry, error) {
	s := &c.storing
	whole, _, err := c.readWhole(ctx, s.registry.table)
	if err != nil {
		return nil, err
	}
	s.registry.number = whole.at.Number
	unasked := map[string]bool{}
	var known []messages.Epoch
	entries, _ := c.opened(s.registry.table, whole)
	for _, e := range entries {
		if e.field == epochsField {
			known = parseEpochs(e.value)
		}
		var stored messages.Stored
		if parseOptions(e.value, &stored); stored.Unasked {
			unasked[e.field] = true
		}
	}
	imported := func() (map[string]string, error) {
		want, err := imports()
		if err != nil || len(known) == 0 {
			return want, err
		}
		sessions, before, err := c.leaseLayout(ctx)
		newest := known[len(known)-1]
		if sessions = cmp.Or(before, sessions, newest.Sessions); len(known) > 1 || sessions != newest.Sessions {
			want[epochsField] = formatEpochs([]messages.Epoch{{Number: newest.Number + 1, Sessions: min(sessions, maxSessions)}})
		}
		return want, err
	}
	return c.make(ctx, &s.registry, imported, func(field string) bool {
		_, leaving, ok := parseField(field)
		return leaving || !ok || unasked[field]
	}, &s.registry)
}
