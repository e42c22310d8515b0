package embedded

import (
	"cmp"
	"slices"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// queueOrder has what was queued for an absent client sent in the order in which it
// came [MQTT-4.6.0-6], where mochi 2.7.9 sorts by the second of its arrival alone, of
// which it takes the lower 16 bits.
type queueOrder struct{ mqtt.HookBase }

// ID names the hook.
func (*queueOrder) ID() string { return "queue-order" }

// Provides names what the hook listens to.
func (*queueOrder) Provides(event byte) bool { return event == mqtt.OnPacketEncode }

// OnPacketEncode waits for CONNACK, which comes before the queued packets. They get
// times that mochi sorts as they came.
func (*queueOrder) OnPacketEncode(cl *mqtt.Client, p packets.Packet) packets.Packet {
	if p.FixedHeader.Type != packets.Connack || !p.SessionPresent {
		return p
	}
	queued := cl.State.Inflight.GetAll(false)
	byArrival(queued)
	first := firstTime(len(queued), time.Now().Unix())
	for i, q := range queued {
		q.Created = first + int64(i)
		cl.State.Inflight.Set(q)
	}
	return p
}

// byArrival sorts packets. Those of one second are in the order of their ids, which
// begin again at 1 after the largest one: the first is the one behind the widest gap.
func byArrival(queued []packets.Packet) {
	slices.SortFunc(queued, func(a, b packets.Packet) int {
		return cmp.Or(cmp.Compare(a.Created, b.Created), cmp.Compare(a.PacketID, b.PacketID))
	})
	for begin, end := 0, 0; begin < len(queued); begin = end {
		for end = begin; end < len(queued) && queued[end].Created == queued[begin].Created; {
			end++
		}
		second := queued[begin:end]
		first, widest := 0, uint16(0)
		for i, q := range second {
			gap := q.PacketID - second[(i+len(second)-1)%len(second)].PacketID // around the end
			if gap > widest {
				first, widest = i, gap
			}
		}
		copy(second, append(slices.Clone(second[first:]), second[:first]...))
	}
}

// firstTime is the first of n seconds before now of which mochi's 16 bits increase.
func firstTime(n int, now int64) int64 {
	first := now - int64(n)
	if uint16(first) > uint16(now) {
		first -= int64(uint16(now)) + 1
	}
	return first
}
