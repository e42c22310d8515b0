package actors

import "chanmqttproxy/messages"

// hold keeps publishes back while a SUBSCRIBE may cost the connection: a publish may
// too, and each is to be found out for itself.
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

// watch holds publishes back while a suspect is tried. It returns those that may go after
// that; all says that it is the whole outbox.
func (h *hold) watch(wary bool) (kept []messages.Publish, all bool) {
	if wary {
		h.on = true
		return nil, false
	}
	kept, all = h.kept, h.all
	*h = hold{}
	return kept, all
}
