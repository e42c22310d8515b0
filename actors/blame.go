package actors

import (
	"time"

	"chanmqttproxy/messages"
)

// How many short-lived connections in a row must be lost with the same publish
// first in the outbox for it to be suspected; how soon after it was sent alone, on
// a connection that had been steady without it, that connection must be lost for
// this to count against it; and how often.
const (
	suspicion = 5
	atOnce    = 2 * time.Second
	proof     = 3
)

// blame finds the publish on which a broker hangs up, which would otherwise be
// sent again on each connection and hold up all others for good. A network that
// is merely bad loses connections as well: those on which the suspect was not
// sent acquit it.
type blame struct {
	first  messages.Receipt // of the outbox, at the last loss
	losses int
	tried  time.Time // when it was sent alone on the live connection
	proofs int
}

// lost notes that a connection was lost that was short-lived, or on which the
// suspect was tried.
func (b *blame) lost(o *outbox) {
	first, ok := o.first()
	tried := b.tried
	b.tried = time.Time{}
	switch {
	case !ok:
		*b = blame{}
	case first.Receipt != b.first:
		*b = blame{first: first.Receipt, losses: 1}
	case !b.any():
		b.losses++
	case !tried.IsZero() && time.Since(tried) < atOnce:
		b.proofs++
	default:
		*b = blame{} // it was the network
	}
}

// any says whether the first publish is suspected: it is to be tried alone, and
// the others are to wait.
func (b *blame) any() bool { return b.losses >= suspicion }

// try notes that the suspect is being sent.
func (b *blame) try() { b.tried = time.Now() }

// trying says whether it was sent on the live connection.
func (b *blame) trying() bool { return !b.tried.IsZero() }

// acquit clears a publish that took effect, and says whether it was suspected.
func (b *blame) acquit(r messages.Receipt) bool {
	if r != b.first {
		return false
	}
	was := b.any()
	*b = blame{}
	return was
}

// verdict takes the guilty one out of the outbox, if it is proven.
func (b *blame) verdict(o *outbox) (messages.Publish, bool) {
	if b.proofs < proof {
		return messages.Publish{}, false
	}
	guilty := b.first
	*b = blame{}
	return o.remove(guilty)
}
