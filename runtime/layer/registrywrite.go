package layer

import (
	"context"
	"errors"
	"regexp"
	"strconv"
	"sync"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
)

// storing is what a client knows of the tables that it writes: the status of its slot and,
// if that is the first, the registry.
type storing struct {
	mu               sync.Mutex // held during each write
	registry, status tableWriter
	sessions         int  // over which the hashes of older versions are spread
	lost             bool // the next write begins another life of the tables
}

func (k keys) newStoring() storing {
	return storing{registry: tableWriter{table: k.registry()}, status: tableWriter{table: k.status(k.slot)}, sessions: 1}
}

// writers are those of the tables that the client writes.
func (s *storing) writers(slot int) []*tableWriter {
	if slot > 0 {
		return []*tableWriter{&s.status}
	}
	return []*tableWriter{&s.registry, &s.status}
}

var (
	errNotFirst = errors.New("only the worker that holds session slot 0 may change the stored subscriptions")
	errLost     = errors.New("redis has lost the stored subscriptions: all of them have to be written again")
)

// Write changes the registry, if the slot is the first, and the status of the slot. Up to
// some hundred changes are made all or not at all; of more so many at a time. It is refused
// if another has taken the slot meanwhile. It returns the number of the last change of the
// registry, higher than all before where that was changed; of a status alone 0. Of changes to
// the same entry the last one counts. It may be repeated. Restore has to come first. A stream
// that is subscribed to has its info in Redis then, for readers that come before its first message.
//
// Where Redis has lost something it is refused too. Then Intact says so, and the next Write
// has to say all that Redis does not hold; readers do not see it before it is there as a
// whole. Errors are *messages.LayerFailure.
func (c *Core) Write(ctx context.Context, changes []messages.Change) (uint64, error) {
	s := &c.storing
	s.mu.Lock()
	defer s.mu.Unlock()
	e := editsOf(changes)
	if c.keys.slot > 0 && len(e.registry) > 0 {
		return 0, c.failure("storing subscriptions", errNotFirst)
	}
	list := c.editsFor(e)
	if len(list) == 0 && e.session == "" && !s.lost {
		return 0, nil
	}
	if err := c.openStreams(ctx, changes); err != nil {
		return 0, err
	}
	if err := c.writeOrBegin(ctx, list, e.session); err != nil {
		if errors.Is(err, errTableLost) {
			err = errLost
		}
		return 0, c.failure("storing subscriptions", err)
	}
	if sessions := sessionsOf(e); c.keys.slot == 0 && sessions > 0 && sessions != s.sessions {
		slots := max(sessions, s.sessions)
		s.sessions = sessions
		if err := c.exportOld(ctx, slots); err != nil {
			s.sessions = 0 // again, as this write is repeated
			return 0, c.failure("storing subscriptions for older workers", err)
		}
	}
	if len(e.registry) == 0 {
		return 0, nil
	}
	return s.registry.number, nil
}

// writeOrBegin makes edits, in another life of the tables if need be.
func (c *Core) writeOrBegin(ctx context.Context, list []edit, session string) error {
	s := &c.storing
	if !s.lost {
		return c.writeTables(ctx, list, nil, session)
	}
	writers := s.writers(c.keys.slot)
	for _, w := range writers {
		if err := c.openTable(ctx, w); err != nil {
			return err
		}
	}
	if err := c.writeTables(ctx, list, writers, session); err != nil {
		return err
	}
	s.lost = false
	return nil
}

// editsFor are edits of the tables, with those of the hashes that older versions read.
func (c *Core) editsFor(e edits) []edit {
	s := &c.storing
	list := make([]edit, 0, len(e.registry)+len(e.status))
	for _, change := range e.registry {
		list = append(list, edit{to: &s.registry, change: change, old: c.oldRegistry(change, s.sessions)})
	}
	for _, change := range e.status {
		list = append(list, edit{to: &s.status, change: change, old: c.oldStatus(change)})
	}
	return list
}

// sessionsOf is over how many slots the newest layout spreads filters, if edits have one.
func sessionsOf(e edits) int {
	for _, change := range e.registry {
		if epochs := parseEpochs(change.value); change.field == epochsField && len(epochs) > 0 {
			return epochs[len(epochs)-1].Sessions
		}
	}
	return 0
}

// headForm is the head of a table: see tablewrite.lua.
var headForm = regexp.MustCompile(`^1 (\S+) (\d+) \d+ (\d+) (\d+) \d+ whole$`)

// tableState is how a table stands.
type tableState struct {
	head                  *redis.StringCmd
	fields, changes, gone *redis.IntCmd
}

// intact says whether a table is the one that its writer knows, and nothing of it is
// missing. One of a later holder of the slot is not doubted.
func (s tableState) intact(w *tableWriter, epoch uint64) bool {
	words := headForm.FindStringSubmatch(s.head.Val())
	if words == nil {
		return false
	}
	if writer, _ := strconv.ParseUint(words[3], 10, 64); writer > epoch {
		return true
	}
	number, _ := strconv.ParseUint(words[2], 10, 64)
	entries, _ := strconv.ParseInt(words[4], 10, 64)
	return words[1] == w.life && number >= w.number &&
		s.fields.Val() == s.changes.Val()+1 && s.changes.Val() == entries+s.gone.Val()
}

// Intact says whether Redis holds what Restore has returned and Write has changed
// since, and the marker of a session; "" means none. The client id, unless "", is written
// again where none is. Errors are *messages.LayerFailure.
func (c *Core) Intact(ctx context.Context, clientID, session string) (bool, error) {
	s := &c.storing
	s.mu.Lock()
	defer s.mu.Unlock()
	writers := s.writers(c.keys.slot)
	states := make([]tableState, len(writers))
	var marked *redis.BoolCmd
	_, err := c.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, w := range writers {
			keys := w.keys()
			states[i] = tableState{p.HGet(ctx, keys[0], headField), p.HLen(ctx, keys[0]), p.ZCard(ctx, keys[1]), p.ZCard(ctx, keys[2])}
		}
		marked = p.SIsMember(ctx, c.keys.sessions(), session)
		return nil
	})
	if err != nil && err != redis.Nil {
		return false, c.failure("looking whether the subscriptions are stored", err)
	}
	if err := c.keepClientID(ctx, clientID); err != nil {
		return false, err
	}
	for i, w := range writers {
		s.lost = s.lost || !states[i].intact(w, c.config.Epoch)
	}
	return !s.lost && (session == "" || marked.Val()), nil
}
