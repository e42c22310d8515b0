package layer

import (
	"cmp"
	"context"

	"chanmqttproxy/messages"
)

// Send writes the bundles of a batch, in their order, as channels_redis does:
// for a group as group_send to all that are its members at that moment, for a
// channel as send; with Batch.Queue only to that queue, for the members that it
// names. Each queue takes the first bundles for which it has room, never a later
// one without those before it, and is reported with the rest; so is one that is
// no sorted set or is to be skipped, with From 0. Whoever has no room delays
// nobody else. Members whose names are not UTF-8 are left out.
//
// Big numbers and undecodable payloads are counted, under JSON also all that are bytes and go as
// their base64, where Batch.Queue is not set: what goes to one
// queue only was counted when it was refused.
//
// Where the layer has several hosts, encrypts, writes JSON, or has several
// capacities, a group's members are read first, and each of its queues is written
// to on its own: somebody who leaves in between may still get a message. So is
// each queue of the channels in Batch.Only, whether they are members or not.
//
// What is for a stream is appended to it; see Outcome.Full.
//
// Calls for one target must not overlap, unless they write to different queues.
// After an error the outcome is unknown, and the call may be repeated with the
// same batch: what was written and is not yet read is not written twice, nor is
// what went to a host that answered when another did not. Errors are
// *messages.LayerFailure.
func (c *Core) Send(ctx context.Context, b *messages.Batch) (messages.Outcome, error) {
	if b.Target.Kind == messages.Stream {
		return c.appendEvents(ctx, b)
	}
	l := load{target: b.Target, queue: b.Queue, only: b.Only, skip: b.Skip, again: b.Stamp != 0, repeatable: true}
	if !l.again {
		b.Stamp = c.stamp(b.Target, len(b.Bundles))
	}
	l.stamp = b.Stamp
	l.pack = func(p *packer) (u oddities, err error) {
		p.coming, p.most = len(b.Bundles), cmp.Or(b.CallLimit, maxCallEvents)
		for i := range b.Bundles {
			u.add(p.bundle(&b.Bundles[i]))
		}
		return u, nil
	}
	outcome, err := c.transmit(ctx, l)
	if b.Queue != nil {
		outcome.Undecodable, outcome.BigNumbers = 0, 0
	}
	return outcome, err
}

// Who is in a group is read by each call again, in the script where that can be.
// Nothing else is as exact: whoever joined before the call gets its messages. A
// client that remembered the members would learn of a change only behind its own
// write (client tracking announces changes by broadcast after the command that
// made them, and on another connection at any time), would have to repair what it
// wrote, and to forget members by the clock, whose end nobody announces.
//
// It would gain little. Microseconds of Redis 7.0 for a call of 1 and of 16
// messages; a memory that costs nothing would save up to a quarter:
//
//	members of one process    1 message    16 messages
//	1                                41             87
//	10                               61            117
//	100                             169            494
//	1,000                         1,322          4,401
//	members of a process each
//	10                              127            379
//	100                           1,033          3,476
//	1,000                        10,786         33,484
//
// A member costs 1 µs, and its consumer in Python a millisecond to read.
//
// The rest of a call is the writing. In Redis 7.0 a script's strings cost time for each byte: the
// names of 1,000 members are 76 kB of each message, which take 100 µs before ZADD, which takes as
// much again. Of 30 messages in a call each takes 230 µs, 25 µs of it for reading and packing the
// members (with 100 processes 5 of 160 µs).

// load is what one call of Send writes.
type load struct {
	target     messages.Target
	queue      *messages.Queue // the only one to write to, if set
	only       []string        // else, if set, the only channels
	skip       []string
	stamp      uint64
	again      bool // this is not the first attempt
	repeatable bool // and perhaps not the last
	pack       func(*packer) (oddities, error)
}

func (c *Core) transmit(ctx context.Context, l load) (messages.Outcome, error) {
	switch {
	case l.target.Kind == messages.Channel || l.queue != nil:
	case l.only != nil:
		return c.spread(ctx, l, queuesOf(l.only))
	case !c.config.simple():
		queues, err := c.members(ctx, l.target)
		if err != nil {
			return messages.Outcome{}, err
		}
		return c.spread(ctx, l, queues)
	}
	return c.carry(ctx, l, c.destination(l.target, l.queue, l.stamp))
}

// carry writes a load to one destination.
func (c *Core) carry(ctx context.Context, l load, d destination) (messages.Outcome, error) {
	p := newPacker(c, d, l.stamp, l.again)
	u, err := l.pack(p)
	if err != nil {
		return messages.Outcome{}, err
	}
	outcome, err := c.write(ctx, d, l.skip, p.finish())
	if err == nil {
		outcome.Undecodable, outcome.BigNumbers = u.payloads, u.numbers
	}
	return outcome, err
}
