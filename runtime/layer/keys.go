package layer

import (
	"strings"

	"chanmqttproxy/messages"
)

// keys are the names that one channel layer has in Redis.
type keys struct {
	prefix  string
	channel string
	slot    int
}

// slotMark stands between a name and the number of a slot. No valid name has it.
const slotMark = "$slot:"

// slotKey is a name of the first slot's that each other one has for itself.
func slotKey(name string, slot int) string {
	if slot == 0 {
		return name
	}
	return name + slotMark + messages.SlotName(slot)
}

// commands is the key of the commands that wait, for the slot where an older worker gave it some.
func (k keys) commands() string { return k.prefix + slotKey(k.channel, k.slot) }

// queue is the key of a channel's waiting messages. All channels of a process
// share one: a name counts up to and including its exclamation mark.
func (k keys) queue(channel string) string {
	return k.prefix + messages.NonLocal(channel)
}

// ofSlots says whether a channel is one by which the slots of older workers reach each other:
// no site can name it.
func (k keys) ofSlots(channel string) bool {
	return strings.HasPrefix(channel, k.channel+slotMark)
}

// group is the key of a group's members.
func (k keys) group(name string) string { return k.prefix + ":group:" + name }

// inflight is the key of what one reader received and did not acknowledge. Python
// knows only a key without the reader's id, and moves what it finds there back
// into the queue; this one it never touches, and flush removes it.
func (k keys) inflight(reader string) string {
	return k.commands() + "$inflight:" + reader
}

// readers is the key of the readers' leases. It is outside the layer's prefix, so
// that flush, which removes all that begins with the prefix, does not make
// readers forget each other. (With the prefix "" or a beginning of
// "chanmqttproxy" it is removed all the same: live readers come back by
// themselves; what dead ones had in flight was flushed too.)
func (k keys) readers() string { return k.ofSlot("peers") }

// clientID is the key of the MQTT client id, outside the prefix for the same
// reason.
func (k keys) clientID() string { return k.own("client-id") }

// The keys of what is stored for the worker itself are outside the prefix too.
func (k keys) deadLetters() string { return k.own("dead-letters") }
func (k keys) sessions() string    { return k.own("sessions") }

// letters are the keys of the dead letters and of their messages.
func (k keys) letters() []string { return []string{k.deadLetters(), k.own("dead-letter-messages")} }

// siteClock is the key of what is known of the site's clocks.
func (k keys) siteClock() string { return k.own("site-clock") }

// streams is the key of the names of all streams, stream that of what is known of one,
// which begins those of its partitions, and streamLetters that of its readers' dead letters.
func (k keys) streams() string                  { return k.own("streams") }
func (k keys) stream(name string) string        { return k.own("stream:" + name) }
func (k keys) streamLetters(name string) string { return k.stream(name) + ":dead" }

// registry is the table of the subscriptions of all session slots, or of that for streams,
// and status that of what the broker has said of them in a slot.
func (k keys) registry() table {
	if k.slot == messages.StreamSlot {
		return table{k.ofSlot("registry"), "registry:stream"}
	}
	return table{k.own("registry"), "registry"}
}

func (k keys) status(slot int) table {
	return table{k.own(slotKey("status", slot)), "status:" + messages.SlotName(slot)}
}

// changes is the channel that announces changes of tables.
func (k keys) changes() string { return k.own("changes") }

// ofSlot is the key of what each slot has for itself.
func (k keys) ofSlot(what string) string { return k.own(slotKey(what, k.slot)) }

func (k keys) own(what string) string {
	return "chanmqttproxy:" + k.prefix + ":" + k.channel + ":" + what
}
