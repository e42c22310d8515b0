package layer

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
)

// The dead letters of a stream are a stream of their own. Its readers write it, and keep it
// within bounds.

// letterPage is how many letters are read at a time.
const letterPage = 64

// StreamLetters returns at most limit dead letters of a stream's readers behind the first
// offset, the newest first, and how many there are. Preview is the topic, or why it cannot
// be read. Errors are *messages.LayerFailure.
func (c *Core) StreamLetters(ctx context.Context, stream string, offset, limit int) (page []DeadLetter, total int, err error) {
	key := c.keys.streamLetters(stream)
	count, err := c.redis.XLen(ctx, key).Result()
	if err != nil {
		return nil, 0, c.failure("counting the dead letters of stream "+stream, err)
	}
	for letter, err := range c.streamLetters(ctx, stream) {
		if err != nil {
			return nil, 0, err
		}
		page = append(page, c.streamLetter(letter))
	}
	slices.Reverse(page)
	page = page[min(offset, len(page)):]
	return page[:min(limit, len(page))], int(count), nil
}

// streamLetters are the dead letters of a stream, the oldest first.
func (c *Core) streamLetters(ctx context.Context, stream string) func(func(redis.XMessage, error) bool) {
	return func(yield func(redis.XMessage, error) bool) {
		for from := "-"; ; {
			list, err := c.redis.XRangeN(ctx, c.keys.streamLetters(stream), from, "+", letterPage).Result()
			if err != nil {
				yield(redis.XMessage{}, c.failure("reading the dead letters of stream "+stream, err))
				return
			}
			for _, letter := range list {
				if !yield(letter, nil) {
					return
				}
			}
			if len(list) < letterPage {
				return
			}
			from = behind(list[len(list)-1].ID)
		}
	}
}

// behind is the least id of an entry behind another.
func behind(id string) string {
	millis, seq, _ := strings.Cut(id, "-")
	n, _ := strconv.ParseUint(seq, 10, 64)
	return millis + "-" + strconv.FormatUint(n+1, 10)
}

// streamLetter is an entry as it is shown. What others have written may be anything.
func (c *Core) streamLetter(m redis.XMessage) DeadLetter {
	field := func(name string) string {
		text, _ := m.Values[name].(string)
		return strings.ToValidUTF8(text[:min(len(text), maxReason)], "")
	}
	body, _ := m.Values["body"].(string)
	millis, _, _ := strings.Cut(m.ID, "-")
	at, _ := strconv.ParseInt(millis, 10, 64)
	l := DeadLetter{ID: m.ID, Time: time.UnixMilli(at), Size: len(body), Reason: field("reason")}
	if handler := field("handler"); handler != "" {
		l.Reason = handler + ": " + l.Reason
	}
	if attempts := field("attempts"); attempts != "" {
		l.Reason += fmt.Sprintf(" (%s attempts)", attempts)
	}
	topic, err := c.streamTopic(body)
	if l.Preview = topic; err != nil {
		l.Preview = "(" + err.Error() + ")"
	}
	l.Reason, l.Preview = printable(l.Reason), printable(l.Preview)
	return l
}

// printable is a text as a terminal may have it.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !strconv.IsPrint(r) {
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(text, string(utf8.RuneError)))
}

// The topic of an entry may be unreadable.
var (
	errSealed = errors.New("none of the encryption keys decrypts it")
	errEntry  = errors.New("it is not a message")
)

// streamTopic is the topic of the event in the body of an entry.
func (c *Core) streamTopic(body string) (string, error) {
	plain, ok := c.sealer.openMessage(body)
	if !ok {
		return "", errSealed
	}
	event, err := DecodeMessage(plain)
	if err != nil {
		return "", errEntry
	}
	inner, _ := event.Get("message")
	message, _ := inner.(messages.Map)
	switch topic, _ := message.Get("topic"); topic := topic.(type) {
	case string:
		return topic, nil
	case []byte:
		return string(topic), nil
	}
	return "", errEntry
}

// DropStreamLetters forgets those dead letters of a stream's readers, or all when none are
// named, and returns how many there were. Errors are *messages.LayerFailure.
func (c *Core) DropStreamLetters(ctx context.Context, stream string, ids ...string) (int, error) {
	if len(ids) == 0 {
		for letter, err := range c.streamLetters(ctx, stream) {
			if err != nil {
				return 0, err
			}
			ids = append(ids, letter.ID)
		}
	}
	dropped := 0
	for some := range slices.Chunk(ids, maxForget) {
		n, err := c.redis.XDel(ctx, c.keys.streamLetters(stream), some...).Result()
		if err != nil {
			return dropped, c.failure("dropping dead letters of stream "+stream, err)
		}
		dropped += int(n)
	}
	return dropped, nil
}

// RequeueStreamLetters puts those dead letters of a stream's readers, or all when none are
// named, back into the stream, the oldest first, behind what is there and whatever its
// bounds. Each leaves the dead letters as it enters the stream. It returns how many that
// were. Errors are *messages.LayerFailure, or, when all others were put back,
// *UnreadableLetters.
func (c *Core) RequeueStreamLetters(ctx context.Context, stream string, ids ...string) (requeued int, err error) {
	unreadable := 0
	for letter, err := range c.streamLetters(ctx, stream) {
		if err != nil {
			return requeued, err
		}
		if len(ids) > 0 && !slices.Contains(ids, letter.ID) {
			continue
		}
		body, _ := letter.Values["body"].(string)
		topic, err := c.streamTopic(body)
		if err != nil {
			unreadable++
			continue
		}
		args := append(c.appendTo(stream, ""), crc32.ChecksumIEEE([]byte(topic)), letter.ID, body)
		n, _, _, err := c.append(ctx, stream, args)
		if err != nil {
			return requeued, err
		}
		requeued += n
	}
	if unreadable > 0 {
		return requeued, &UnreadableLetters{unreadable}
	}
	return requeued, nil
}

// UnreadableLetters says that dead letters of a stream were not put back: their topics cannot
// be read.
type UnreadableLetters struct{ Count int }

func (e *UnreadableLetters) Error() string {
	return fmt.Sprintf("%d cannot be put back: no key of symmetric_encryption_keys opens them, or they are no messages; dead-letters list says which", e.Count)
}
