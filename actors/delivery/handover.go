package delivery

// handing is a HandOver, and the last delivery that waited then. When that is written, its
// overflow is to be written too: up to that number.
type handing struct {
	id, last uint64
	written  bool
	upTo     uint64
}

// HandOver asks to be told when all that waits now is written.
func (t *Target) HandOver(id uint64) (e Effects) {
	t.handing = append(t.handing, handing{id: id, last: t.backlog.last()})
	t.handOver(&e)
	return e
}

// handOver answers those HandOvers before which nothing waits any more.
func (t *Target) handOver(e *Effects) {
	rest := t.handing[:0]
	for _, h := range t.handing {
		if !h.written && t.writing == nil && (t.backlog.len() == 0 || t.backlog.list[0].settlement.Token.Seq > h.last) {
			h.written, h.upTo = true, t.waited
		}
		if !h.written || t.overflowsUpTo(h.upTo) {
			rest = append(rest, h)
		} else {
			e.HandedOver = append(e.HandedOver, h.id)
		}
	}
	t.handing = rest
}

// overflowsUpTo says whether something waits for room that came up to that number.
func (t *Target) overflowsUpTo(number uint64) bool {
	for _, o := range t.overflows {
		if o.upTo(number) {
			return true
		}
	}
	return false
}
