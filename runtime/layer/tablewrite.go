package layer

import (
	"context"
	"crypto/rand"
	_ "embed" // the scripts
	"errors"
	"strconv"

	"github.com/redis/go-redis/v9"
)

var (
	//go:embed tablewrite.lua
	tableWriteSource string
	//go:embed tableopen.lua
	tableOpenSource string

	tableWriteScript = redis.NewScript(tableWriteSource)
	tableOpenScript  = redis.NewScript(tableOpenSource)
)

const (
	// tableGone is how many removed fields are kept of a table, and tableGoneBytes how
	// many bytes of their names.
	tableGone      = 10000
	tableGoneBytes = 1 << 20

	tableWhole = "whole"
)

// errTableLost is why a table is not written to: it is not what its writer has made it.
var errTableLost = errors.New("redis has lost what the worker had stored")

// tableWriter is what the writer of a table knows of it.
type tableWriter struct {
	table
	life   string
	number uint64
}

// edit is one change of a table, in clear, and what it changes in the hashes that older
// versions read.
type edit struct {
	to     *tableWriter
	change entry
	old    []oldEdit
	stale  bool // the field goes as it is spelled there: not as it would be sealed now
}

// oldEdit is one change of a hash, in clear.
type oldEdit struct {
	key    string
	change entry
}

// size is about how many bytes an edit is.
func (e edit) size() int {
	n := len(e.change.field) + len(e.change.value)
	for _, o := range e.old {
		n += len(o.change.field) + len(o.change.value)
	}
	return n
}

// pairs are the entries of one key as the script takes them.
type pairs struct{ put, gone []any }

// add seals an entry. Where it goes, a table is told what it was.
func (p *pairs) add(s *sealer, key string, e entry, table bool) {
	field, value := s.entry(key, e.field, e.value)
	switch {
	case !e.gone():
		p.put = append(p.put, field, value)
	case table:
		p.gone = append(p.gone, field, value)
	default:
		p.gone = append(p.gone, field)
	}
}

// writeTables makes edits, some hundred at a time, each time all of them or none; the tables
// that become whole do so with the last. It may be repeated. Where a session is given, it is
// noted together with the first. errTableLost: a table has to be opened first.
func (c *Core) writeTables(ctx context.Context, edits []edit, whole []*tableWriter, session string) error {
	for {
		n := 0
		for bytes := 0; n < min(len(edits), tableChunk) && bytes < tableChunkBytes; n++ {
			bytes += edits[n].size()
		}
		some := edits[:n]
		if edits = edits[n:]; len(edits) > 0 {
			if err := c.writeSome(ctx, some, nil, session); err != nil {
				return err
			}
			session = ""
			continue
		}
		return c.writeSome(ctx, some, whole, session)
	}
}

// writeSome is one call of the script.
func (c *Core) writeSome(ctx context.Context, edits []edit, whole []*tableWriter, session string) error {
	var writers []*tableWriter
	changes, become := map[*tableWriter]*pairs{}, map[*tableWriter]string{}
	of := func(w *tableWriter) *pairs {
		if changes[w] == nil {
			changes[w] = &pairs{}
			writers = append(writers, w)
		}
		return changes[w]
	}
	var oldKeys []string
	olds := map[string]*pairs{}
	for _, e := range edits {
		if e.stale {
			of(e.to).gone = append(of(e.to).gone, e.change.field, "-")
		} else {
			of(e.to).add(c.sealer, e.to.key, e.change, true)
		}
		for _, o := range e.old {
			if olds[o.key] == nil {
				olds[o.key] = &pairs{}
				oldKeys = append(oldKeys, o.key)
			}
			olds[o.key].add(c.sealer, o.key, o.change, false)
		}
	}
	for _, w := range whole {
		of(w)
		become[w] = tableWhole
	}
	var keys []string
	args := []any{c.config.until(), c.config.Epoch, tableGone, tableGoneBytes, c.keys.changes(), session, len(writers)}
	for _, w := range writers {
		keys = append(keys, w.keys()...)
		p := changes[w]
		args = append(args, w.name, w.life, w.number, become[w], len(p.put)/2, len(p.gone)/2)
		args = append(append(args, p.put...), p.gone...)
	}
	for _, key := range oldKeys {
		p := olds[key]
		args = append(args, len(p.put)/2, len(p.gone))
		args = append(append(args, p.put...), p.gone...)
	}
	keys = append(append(keys, oldKeys...), c.keys.sessions())
	answer, err := tableWriteScript.Run(ctx, c.redis, keys, args...).Slice()
	if err != nil {
		return err
	}
	return writtenIn(answer, writers)
}

// writtenIn reads what tablewrite.lua answers.
func writtenIn(answer []any, writers []*tableWriter) error {
	if len(answer) == 0 {
		return errTable
	}
	if done, ok := answer[0].(int64); ok && done == 0 {
		return errTableLost
	}
	if len(answer) != 1+len(writers) {
		return errTable
	}
	for i, w := range writers {
		number, _ := answer[1+i].(string)
		n, err := strconv.ParseUint(number, 10, 64)
		if err != nil {
			return errTable
		}
		w.number = n
	}
	return nil
}

// openTable begins another life of a table, with what is there of it. Readers wait until it
// is written as whole.
func (c *Core) openTable(ctx context.Context, w *tableWriter) error {
	life, cursor := rand.Text(), "0"
	for {
		answer, err := tableOpenScript.Run(ctx, c.redis, w.keys(), c.config.until(), c.config.Epoch, life, w.number, cursor).StringSlice()
		if err != nil {
			return err
		}
		if len(answer) != 2 {
			return errTable
		}
		number, err := strconv.ParseUint(answer[1], 10, 64)
		if err != nil {
			return errTable
		}
		w.number = number
		if cursor = answer[0]; cursor == "0" {
			w.life = life
			return nil
		}
	}
}
