package layer

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"chanmqttproxy/messages"
)

// letter is a dead letter as it is stored: as JSON, for people who use redis-cli. Its message is
// in a hash, under the ID.
type letter struct {
	ID     string    `json:"id"`
	Time   time.Time `json:"time"`
	Reason string    `json:"reason"`
	// Size is that of the message, the member of the queue, in bytes.
	Size    int    `json:"size"`
	Preview string `json:"preview"`
	// SHA256 is that of the whole message, if only its beginning is kept.
	SHA256 string `json:"sha256,omitempty"`
}

// One call moves at most so many messages, and takes no further one above so
// many bytes.
const (
	maxCallLetters     = 128
	maxCallLetterBytes = 1 << 20
)

// maxReason is how many bytes of a reason are kept.
const maxReason = 1000

// AddDeadLetters moves received messages to the dead letters, which are outside the layer's
// prefix. Each of several hosts has those that came from it. The oldest are deleted above
// Config.DeadLetters and Config.DeadLetterTotalBytes, and after Config.DeadLetterAge. Of a
// message above Config.DeadLetterBytes only the beginning is kept. It is atomic for each
// message and may be repeated: what is no longer in flight is left alone. Errors are
// *messages.LayerFailure.
func (c *Core) AddDeadLetters(ctx context.Context, letters []messages.DeadLetter) error {
	of := make([][]deadMember, len(c.servers))
	for _, b := range letters {
		s, member := c.member(b.Receipt)
		of[s.index] = append(of[s.index], deadMember{member, b.Reason})
	}
	var errs []error
	for i, s := range c.servers {
		errs = append(errs, c.addDeadLettersAt(ctx, s, of[i]))
	}
	return firstError(errs)
}

// deadMember is a member of an in-flight key with the reason why it becomes a dead letter.
type deadMember struct{ member, reason string }

func (c *Core) addDeadLettersAt(ctx context.Context, s *server, letters []deadMember) error {
	for len(letters) > 0 {
		n := lettersPerCall(letters)
		keys := append(c.keys.letters(), c.keys.inflight(s.inbox.id))
		done := make([]string, n)
		for i, b := range letters[:n] {
			done[i] = b.member
			if key := c.keys.inflight(s.inbox.inflight.nameOf(b.member)); !slices.Contains(keys, key) {
				keys = append(keys, key)
			}
		}
		if err := c.writeDeadLetters(ctx, s, keys, letters[:n]); err != nil {
			return err
		}
		s.inbox.inflight.remove(done)
		letters = letters[n:]
	}
	return nil
}

// writeDeadLetters makes one call of the script.
func (c *Core) writeDeadLetters(ctx context.Context, s *server, keys []string, letters []deadMember) error {
	oldest := time.Now().Add(-c.config.DeadLetterAge).UTC().Format("2006-01-02T15:04:05")
	args := []any{
		c.config.DeadLetters, c.config.DeadLetterTotalBytes, c.config.DeadLetterBytes,
		oldest, int(c.config.DeadLetterAge.Seconds()),
	}
	for _, b := range letters {
		id, letter := c.newLetter(b)
		args = append(args, b.member, id, letter)
	}
	if err := deadLetterScript.Run(ctx, s.redis, keys, args...).Err(); err != nil {
		return s.failure("moving messages of channel "+c.config.Channel+" to the dead letters", err)
	}
	return nil
}

// lettersPerCall is how many letters go into the next call.
func lettersPerCall(letters []deadMember) int {
	n, bytes := 0, 0
	for n < len(letters) && n < maxCallLetters && bytes < maxCallLetterBytes {
		bytes += len(letters[n].member)
		n++
	}
	return n
}

func (c *Core) newLetter(b deadMember) (id string, packed []byte) {
	l := letter{
		ID:      strings.ToLower(rand.Text()[:10]),
		Time:    time.Now().UTC().Truncate(time.Millisecond),
		Reason:  strings.ToValidUTF8(b.reason[:min(len(b.reason), maxReason)], ""),
		Size:    len(b.member),
		Preview: c.preview(b.member),
	}
	if len(b.member) > c.config.DeadLetterBytes {
		sum := sha256.Sum256([]byte(b.member))
		l.SHA256 = hex.EncodeToString(sum[:])
	}
	packed, err := json.Marshal(l)
	if err != nil {
		panic(err) // a struct of text, a number and today's date
	}
	return l.ID, packed
}
