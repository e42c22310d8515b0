package actors

import "chanmqttproxy/messages"

// suspicion is how many short-lived connections in a row must be lost with the
// same publish first in the outbox for it to be suspected.
const suspicion = 3

// blame finds the publish on which a broker hangs up, which would otherwise be
// sent again on each connection and hold up all others. A suspect is sent
// alone; if that connection is lost too, it is guilty.
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

// any says whether the first publish is suspected.
func (b *blame) any() bool { return b.losses >= suspicion }

// acquit clears a suspect that took effect, and says whether it was one.
func (b *blame) acquit(r messages.Receipt) bool {
	was := b.any() && r == b.first
	if r == b.first {
		*b = blame{}
	}
	return was
}

// verdict takes the guilty one out of the outbox, if it is proven.
func (b *blame) verdict(o *outbox) (messages.Publish, bool) {
	if b.losses <= suspicion {
		return messages.Publish{}, false
	}
	guilty := b.first
	*b = blame{}
	return o.remove(guilty)
}
