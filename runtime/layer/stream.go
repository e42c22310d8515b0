package layer

import (
	"context"
	_ "embed" // the script
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
)

// A stream is the worker's own target: what is appended to it stays until its readers have
// deleted it. It is P Redis Streams, its partitions, and a hash of what is known of it, all
// on the first host and outside the layer's prefix. The topic says in which partition a
// message is; another number of partitions makes another generation of them, which is read
// when the former ones are empty.

//go:embed append.lua
var appendSource string

var appendScript = redis.NewScript(appendSource)

// streamFormat is the version of keys, info and entries. The script names it "1" in each
// entry.
const streamFormat = "1"

// What stands for the event where a stream has no room.
const (
	streamWait = "wait"
	streamDrop = "drop"
)

// appendEvents appends the events of a batch to its stream, in their order, as far as
// there is room; where Outcome.Full is set the same batch goes on behind them. It may be
// repeated with the same batch, after an error too: nothing is appended twice. Batch.Only
// and the like mean nothing to a stream.
func (c *Core) appendEvents(ctx context.Context, b *messages.Batch) (messages.Outcome, error) {
	if b.Stamp == 0 {
		b.Stamp = uint64(c.clock.take(1))
	}
	var outcome messages.Outcome
	args := c.appendTo(b.Target.Name, hex.EncodeToString(c.random[:])+":"+strconv.FormatUint(b.Stamp, 10))
	events := 0
	for i := range b.Bundles {
		for _, e := range b.Bundles[i].Events {
			body, u := c.streamBody(e)
			outcome.Undecodable += u.payloads
			outcome.BigNumbers += u.numbers
			otherwise := streamWait
			if e.Overflow == messages.OverflowDrop {
				otherwise = streamDrop
			}
			args = append(args, crc32.ChecksumIEEE([]byte(e.Message.Topic)), otherwise, body)
			events++
		}
	}
	written, dropped, done, err := c.append(ctx, b.Target.Name, args)
	if err != nil {
		return messages.Outcome{}, err
	}
	outcome.Stored, outcome.Dropped, outcome.Full = written, dropped, done < events
	if outcome.Full {
		outcome.Undecodable, outcome.BigNumbers = 0, 0 // they are counted when the batch is done
	}
	return outcome, nil
}

// streamBody is an event as an entry has it: msgpack, whatever the layer's serializer, and
// a Fernet token of that, of any age, where the layer encrypts.
func (c *Core) streamBody(e messages.Event) (string, oddities) {
	body, u := appendBundle(nil, c.codec.channel, &messages.Bundle{Events: []messages.Event{e}}, 0)
	return c.sealer.message(string(body)), u
}

// appendTo begins a call of the script. Who may send a batch again gives it a name.
func (c *Core) appendTo(stream, batch string) []any {
	return []any{
		"", stream, streamFormat, c.config.StreamPartitions, c.config.StreamMessages, c.config.StreamBytes,
		c.config.DeadLetters, c.config.DeadLetterTotalBytes, batch,
	}
}

// append makes a call of the script. Errors are *messages.LayerFailure.
func (c *Core) append(ctx context.Context, stream string, args []any) (written, dropped, done int, err error) {
	s := c.servers[0]
	args[0] = s.sender.deadline()
	keys := []string{c.keys.stream(stream), c.keys.streams(), c.keys.streamLetters(stream)}
	began := time.Now()
	answer, err := appendScript.Run(ctx, s.redis, keys, args...).Int64Slice()
	s.gauges.traveled(time.Since(began), err)
	if err == nil && len(answer) != 3 {
		err = errors.New("an answer of Redis that does not fit the script")
	}
	if err != nil && redis.HasErrorPrefix(err, "LATE") {
		s.gauges.late.Add(1)
		notify(s.doubt)
		err = errLate
	}
	s.gauges.wrote(err)
	if err != nil {
		return 0, 0, 0, s.failure("appending to stream "+stream, err)
	}
	return int(answer[0]), int(answer[1]), int(answer[2]), nil
}

// openStreams writes the info of the streams that are subscribed to, for readers that come
// before the first message.
func (c *Core) openStreams(ctx context.Context, changes []messages.Change) error {
	for _, change := range changes {
		if change.Put == nil || change.Put.Target.Kind != messages.Stream {
			continue
		}
		name := change.Put.Target.Name
		if _, _, _, err := c.append(ctx, name, c.appendTo(name, "")); err != nil {
			return err
		}
	}
	return nil
}

// StreamsWanted says whether subscriptions are stored for the session slot of the streams.
// Errors are *messages.LayerFailure.
func (c *Core) StreamsWanted(ctx context.Context) (bool, error) {
	of := c.keys
	of.slot = messages.StreamSlot
	var head *redis.StringCmd
	var old *redis.IntCmd
	_, err := c.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		old, head = p.Exists(ctx, of.oldKey(of.slot)), p.HGet(ctx, of.registry().key, headField)
		return nil
	})
	if err != nil && err != redis.Nil {
		return false, c.failure("looking whether anybody subscribes to a stream", err)
	}
	words := headForm.FindStringSubmatch(head.Val())
	unsure := words == nil && head.Val() != "" // it is just being written
	return old.Val() > 0 || unsure || words != nil && words[4] != "0", nil
}

// DecodeEntry reads the body of an entry of a stream. It is for tools and tests. Errors
// tell the size and never the content.
func (c Config) DecodeEntry(body string) (messages.Map, error) {
	plain, ok := newSealer(c.EncryptionKeys).openMessage(body)
	if !ok {
		return nil, fmt.Errorf("decrypting an entry of %d bytes: %w", len(body), errToken)
	}
	return DecodeMessage(plain)
}
