package embedded

import (
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
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
