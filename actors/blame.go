package actors

import "chanmqttproxy/messages"

// How many short-lived connections in a row must be lost with the same publish
// first in the outbox for it to be suspected, and how many more, on which it was
// sent alone, for it to be guilty. A network that is merely bad loses
// connections as well, and lets the publish through before that.
const (
	suspicion = 5
	proof     = 8
)

// blame finds the publish on which a broker hangs up, which would otherwise be
// sent again on each connection and hold up all others for good.
type blame struct {
	first  messages.Receipt // of the outbox, at the last loss
	losses int
}

// lost notes that a short-lived connection was lost.
func (b *blame) lost(o *outbox) {
	first, ok := o.first()
	switch {
	case !ok:
		*b = blame{}
	case first.Receipt != b.first:
		*b = blame{first: first.Receipt, losses: 1}
	default:
		b.losses++
	}
}

// any says whether the first publish is suspected, and to be sent alone.
func (b *blame) any() bool { return b.losses >= suspicion }

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
	if b.losses < suspicion+proof {
		return messages.Publish{}, false
	}
	guilty := b.first
	*b = blame{}
	return o.remove(guilty)
}
