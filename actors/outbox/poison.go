package outbox

import (
	"time"

	"chanmqttproxy/messages"
)

// How many connections in a row must have been lost soon with the same publish first in
// the outbox for it to be the candidate; how soon after it was sent alone, on a connection
// that had been stable without it, that connection must be lost for this to count against
// it; and how often.
const (
	candidateAfter = 5
	atOnce         = 2 * time.Second
	confirmAfter   = 3
)

// poison detects the publish on which a server closes the connection each time.
type poison struct {
	first         messages.Receipt // of the outbox, at the last loss
	losses        int
	tried         time.Time // when the candidate was sent alone on the live connection; zero: it was not
	confirmations int
}

// lost notes that a connection was lost, and which publish was the first; ok false: none.
func (p *poison) lost(first messages.Receipt, ok bool, now time.Time) {
	tried := p.tried
	p.tried = time.Time{}
	switch {
	case !ok:
		*p = poison{}
	case first != p.first:
		*p = poison{first: first, losses: 1}
	case !p.any():
		p.losses++
	case !tried.IsZero() && now.Sub(tried) < atOnce:
		p.confirmations++
	default:
		*p = poison{} // it was the network
	}
}

func (p *poison) any() bool { return p.losses >= candidateAfter }

// clear clears a publish that took effect, and says whether it was the candidate.
func (p *poison) clear(r messages.Receipt) bool {
	if r != p.first {
		return false
	}
	was := p.any()
	*p = poison{}
	return was
}

// confirmed is the publish that is poison, if it is proven.
func (p *poison) confirmed() (messages.Receipt, bool) {
	if p.confirmations < confirmAfter {
		return "", false
	}
	proven := p.first
	*p = poison{}
	return proven, true
}
