package mqtt

import (
	"context"
	"fmt"
	"time"
)

// bound is how much may be unacknowledged before reading stops.
type bound struct {
	messages int
	bytes    int
}

// bound is twice the receive maximum: a broker may send that many, while as many of a session that it
// has dropped are still under way.
func (c Config) bound() bound {
	return bound{messages: 2 * int(c.ReceiveMaximum), bytes: c.ReceiveBytes}
}

// pace waits until little enough is unacknowledged to read the next packet. The reader calls it, so that
// TCP pushes back on a broker that sends more than the receive maximum. Nothing else is read until then:
// acknowledgements of publishes, SUBACK and DISCONNECT wait as well. No acknowledgement of ours depends
// on them.
func (c *Conn) pace() {
	for {
		room := c.state.full(c.bound)
		if room == nil || !c.pause(room) {
			return
		}
	}
}

// pause waits for room and says whether there is any, or whether the connection
// ends.
func (c *Conn) pause(room <-chan struct{}) bool {
	c.stream.pause()
	defer c.stream.resume()
	select {
	case <-room:
		return true
	case <-c.muted: // the Sink is not called any more; read on until the broker hangs up
	case <-c.stream.done:
	case <-c.stream.failing:
		c.stream.close(c.stream.why(errClosed)) // nobody is there to read last words
	}
	return false
}

// full returns what to wait for if too much is unacknowledged, else nil.
func (s *state) full(b bound) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.due) < b.messages && s.dueBytes < b.bytes {
		return nil
	}
	if s.room == nil {
		s.room = make(chan struct{})
	}
	return s.room
}

// makeRoom wakes the reader. It is called with mu held.
func (s *state) makeRoom() {
	if s.room != nil {
		close(s.room)
		s.room = nil
	}
}

// pause says that what the peer sends is not read.
func (s *stream) pause() { s.paused.Store(true) }

// resume undoes pause. The peer has not been silent meanwhile.
func (s *stream) resume() {
	s.resumed.Store(time.Now().UnixNano())
	s.paused.Store(false)
}

// answerTimeout is how long the answer to SUBSCRIBE or UNSUBSCRIBE may take.
// RabbitMQ needs 17 s for 10,000 filters.
const answerTimeout = time.Minute

var errNoAnswer = fmt.Errorf("the broker did not answer within a minute: %w", context.DeadlineExceeded)

// patient returns a context that ends when the peer has had answerTimeout for an answer. The time while
// nobody reads does not count.
func (s *stream) patient(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		for left := answerTimeout; left > 0; left = answerTimeout - time.Since(s.lastResumed()) {
			select {
			case <-ctx.Done():
				return
			case <-time.After(left):
			}
		}
		cancel(errNoAnswer)
	}()
	return ctx, func() { cancel(nil) }
}

// lastResumed is since when what the peer sends is read; now, if it is not.
func (s *stream) lastResumed() time.Time {
	if s.paused.Load() {
		return time.Now()
	}
	return time.Unix(0, s.resumed.Load())
}
