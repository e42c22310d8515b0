package embedded

import (
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// Linger has the broker take its time over the end of each connection, after Stop and
// Start.
func (b *BrokerServer) Linger(d time.Duration) { b.hooks = append(b.hooks, &linger{d: d}) }

type linger struct {
	mqtt.HookBase
	d time.Duration
}

func (*linger) ID() string { return "linger" }

func (*linger) Provides(event byte) bool { return event == mqtt.OnDisconnect }

func (l *linger) OnDisconnect(*mqtt.Client, error, bool) { time.Sleep(l.d) }

// FirstTime is firstTime.
var FirstTime = firstTime

// ByArrival sorts packets of those seconds and ids, and returns the ids.
func ByArrival(created, ids []int) (sorted []int) {
	var queued []packets.Packet
	for i, id := range ids {
		queued = append(queued, packets.Packet{Created: int64(created[i]), PacketID: uint16(id)})
	}
	byArrival(queued)
	for _, q := range queued {
		sorted = append(sorted, int(q.PacketID))
	}
	return sorted
}
