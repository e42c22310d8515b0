package layer

import (
	"context"
	_ "embed" // the script
	"errors"
	"strconv"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
)

// A versioned table is a map in Redis with one writer and any number of readers, who catch
// up in proportion to what changed. Each changed field gets the next number, and a sorted
// set has every field at its last one, those removed too: so a reader asks for what is
// above the number that it has, and who begins asks for what is above 0. Only the newest
// of those removed are kept; a reader who has come less far reads all again.
//
// A table has a life, which ends when Redis loses of it: then its writer writes it again,
// and readers wait until that is done.

var (
	//go:embed tableread.lua
	tableReadSource string

	tableReadScript = redis.NewScript(tableReadSource)
)

const (
	// headField is where the head of a table stands among its fields.
	headField = `["head"]`
	// tableChunk is how many entries one call of a script reads or writes, and
	// tableChunkBytes how many bytes of them, above which it has no further one.
	tableChunk      = 500
	tableChunkBytes = 256 << 10
)

var errTable = errors.New("an answer of Redis that does not fit the script")

// table is where a versioned table is.
type table struct {
	key  string
	name string // for those who receive its changes
}

func (t table) keys() []string { return []string{t.key, t.key + ":changes", t.key + ":gone"} }

// entry is a field of a table, in clear or sealed. In clear the value of one that is gone
// is empty, and no other's is.
type entry struct {
	field, value string
	number       uint64 // of its last change
}

func (e entry) gone() bool { return e.value == "" }

// tablePage is what a reader gets at once.
type tablePage struct {
	at      messages.Position
	reset   bool // what is known from before does not count any more, once there is no more
	more    bool
	whole   bool // it is not just being written anew
	epoch   uint64
	always  string // the field that is sent each time
	entries []entry
}

// readTable reads what comes next in a table, and the value of one field each time. There
// is nothing while there is no table, or it is being filled and the reader does not want it
// so.
func (c *Core) readTable(ctx context.Context, t table, at messages.Position, filling bool, always string) (p tablePage, there bool, err error) {
	answer, err := tableReadScript.Run(ctx, c.redis, t.keys()[:2],
		at.Life, at.Number, max(at.Since, at.Number), tableChunk, tableChunkBytes, flag(filling), always).Slice()
	if err != nil || len(answer) == 0 {
		return p, false, err
	}
	p, err = parsePage(answer, at)
	return p, err == nil, err
}

func flag(b bool) string {
	if b {
		return "1"
	}
	return ""
}

// parsePage reads what tableread.lua answers to a reader at a position.
func parsePage(answer []any, at messages.Position) (p tablePage, err error) {
	const head, each = 8, 3
	if len(answer) < head || (len(answer)-head)%each != 0 {
		return p, errTable
	}
	text := func(i int) string {
		s, ok := answer[i].(string)
		if !ok {
			err = errTable
		}
		return s
	}
	number := func(i int) uint64 {
		n, fault := strconv.ParseUint(text(i), 10, 64)
		err = errors.Join(err, fault)
		return n
	}
	p.reset, p.more, p.whole, p.epoch, p.always = text(2) != "", text(4) != "", text(5) != "", number(6), text(7)
	p.at = messages.Position{Life: text(0), Number: number(3), Since: at.Since}
	if p.reset {
		p.at.Since = number(1)
	}
	for i := head; i < len(answer); i += each {
		p.entries = append(p.entries, entry{text(i), text(i + 1), number(i + 2)})
	}
	return p, err
}

// wholeTable is all that a table holds.
type wholeTable struct {
	tablePage // the last one
	fields    map[string]entry
}

// readWhole reads a whole table, also while it is being filled.
func (c *Core) readWhole(ctx context.Context, t table) (all wholeTable, there bool, err error) {
	for {
		p, ok, err := c.readTable(ctx, t, all.at, true, "")
		if err != nil || !ok {
			return wholeTable{}, false, err
		}
		if p.reset {
			all.fields = map[string]entry{}
		}
		for _, e := range p.entries {
			if e.gone() {
				delete(all.fields, e.field)
			} else {
				all.fields[e.field] = e
			}
		}
		if all.tablePage = p; !p.more {
			return all, true, nil
		}
	}
}
