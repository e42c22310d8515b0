package actors

import "chanmqttproxy/messages"

// hold keeps publishes back while a SUBSCRIBE may cost the connection. A publish may cost it
// as well, and they must be told apart.
type hold struct {
	on   bool
	all  bool // nothing of the outbox was sent on this connection
	kept []messages.Publish
}

// keep holds a publish back, if need be.
func (h *hold) keep(m messages.Publish) bool {
	if h.on && !h.all {
		h.kept = append(h.kept, m)
	}
	return h.on
}

// watch keeps publishes back while wary. Afterwards it returns those that it kept; all: the
// whole outbox is to be sent.
func (h *hold) watch(wary bool) (kept []messages.Publish, all bool) {
	if wary {
		h.on = true
		return nil, false
	}
	kept, all = h.kept, h.all
	*h = hold{}
	return kept, all
}
