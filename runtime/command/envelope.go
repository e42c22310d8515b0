package command

import (
	"slices"
	"strings"

	"chanmqttproxy/messages"
)

// Envelope reads what Decode may have had no chance to: which command it was
// meant to be, and where an answer goes. A type that there is comes in the dotted
// form, another as it was written, at most 60 characters of it. What is not there,
// or is no text or no name of a channel that may be answered, is empty.
func (d Decoder) Envelope(body messages.Map) (kind string, reply messages.ReplyTo) {
	f := &fields{in: body, reserved: d.Reserved}
	kind = f.text("type", "")
	if dotted := strings.ReplaceAll(kind, "_", "."); slices.Contains(commands, dotted) {
		kind = dotted
	}
	f.err = nil
	reply.ID = f.text("id", "")
	f.err = nil
	channel := f.replyChannel()
	if f.err == nil {
		reply.Channel = channel
	}
	return shorten(kind), reply
}
