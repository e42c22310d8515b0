package layer

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"strings"
	"time"

	"chanmqttproxy/messages"
)

// letter is a dead letter as it is stored: JSON, for people who look with
// redis-cli.
type letter struct {
	ID      string    `json:"id"`
	Time    time.Time `json:"time"`
	Reason  string    `json:"reason"`
	Message []byte    `json:"message"` // the member of the queue, whole
}

// One call buries at most so many messages, and begins no further one above so
// many bytes.
const (
	maxCallBurials     = 128
	maxCallBurialBytes = 1 << 20
)

// Bury moves received messages to the dead letters, of which the newest
// Config.DeadLetters are kept, outside the layer's prefix; with several hosts so
// many on each, which has what came from it. It is atomic for each message and may
// be repeated: what is no longer in flight is left alone. Errors are
// *messages.LayerFailure.
func (c *Client) Bury(ctx context.Context, burials []messages.Burial) error {
	of := make([][]burial, len(c.servers))
	for _, b := range burials {
		s, member := c.member(b.Receipt)
		of[s.index] = append(of[s.index], burial{member, b.Reason})
	}
	var errs []error
	for i, s := range c.servers {
		errs = append(errs, c.buryAt(ctx, s, of[i]))
	}
	return firstError(errs)
}

// burial is a member of an in-flight key with the reason why it is buried.
type burial struct{ member, reason string }

func (c *Client) buryAt(ctx context.Context, s *server, burials []burial) error {
	for len(burials) > 0 {
		n := callBurials(burials)
		args := append(make([]any, 0, 1+2*n), c.config.DeadLetters)
		done := make([]string, n)
		for i, b := range burials[:n] {
			done[i] = b.member
			args = append(args, b.member, newLetter(b))
		}
		burials = burials[n:]
		keys := []string{c.keys.inflight(s.reader.id), c.keys.deadLetters()}
		if err := buryScript.Run(ctx, s.redis, keys, args...).Err(); err != nil {
			return s.failure("moving messages of channel "+c.config.Channel+" to the dead letters", err)
		}
		s.reader.inflight.remove(done)
	}
	return nil
}

// callBurials is how many burials go into the next call.
func callBurials(burials []burial) int {
	n, bytes := 0, 0
	for n < len(burials) && n < maxCallBurials && bytes < maxCallBurialBytes {
		bytes += len(burials[n].member)
		n++
	}
	return n
}

func newLetter(b burial) []byte {
	packed, err := json.Marshal(letter{
		ID:      strings.ToLower(rand.Text()[:10]),
		Time:    time.Now().UTC().Truncate(time.Millisecond),
		Reason:  b.reason,
		Message: []byte(b.member),
	})
	if err != nil {
		panic(err) // a struct of text, bytes and today's date
	}
	return packed
}
