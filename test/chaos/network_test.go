package chaos_test

import (
	"testing"
	"time"

	"chanmqttproxy/test/chaos"
)

// calm is a load that leaves room for several rigs on one machine.
func calm() chaos.Load {
	return chaos.Load{Processes: 2, Topics: 10, In: size(100, 500), QoS: 1, Out: size(50, 200)}
}

// hang is how long a peer is silent.
var hang = size(10*time.Second, 90*time.Second)

// impatient has the worker notice a silent broker soon.
var impatient = []string{"MQTT_KEEPALIVE=3"}

// What hangs is found out by nobody but a clock.
func TestPeersHang(t *testing.T) {
	t.Parallel()
	for name, freeze := range map[string]func(*chaos.Rig, time.Duration){
		"broker": (*chaos.Rig).FreezeBroker,
		"Redis":  (*chaos.Rig).FreezeRedis,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			times(t, 1, chaos.Options{Load: calm(), Env: impatient}, func(r *chaos.Rig) { freeze(r, hang) })
		})
	}
}

// bad is a rig whose worker has a bad network to both sides.
func bad(t *testing.T) (o chaos.Options, broker, redis func() *chaos.Network) {
	var toBroker, toRedis *chaos.Network
	o = chaos.Options{
		Load: calm(), Env: impatient,
		ToBroker: func(addr string) *chaos.Network { toBroker = chaos.NewNetwork(t, addr); return toBroker },
		ToRedis:  func(addr string) *chaos.Network { toRedis = chaos.NewNetwork(t, addr); return toRedis },
	}
	return o, func() *chaos.Network { return toBroker }, func() *chaos.Network { return toRedis }
}

// A connection that leads nowhere, and of which neither end is told, is given
// up for a new one.
func TestConnectionsLeadNowhere(t *testing.T) {
	t.Parallel()
	for _, side := range []string{"broker", "Redis"} {
		t.Run(side, func(t *testing.T) {
			t.Parallel()
			o, broker, redis := bad(t)
			times(t, size(2, 10), o, func(r *chaos.Rig) {
				r.During("half-open connections to the "+side, func() {
					if side == "broker" {
						broker().Lose()
					} else {
						redis().Lose()
					}
				})
			})
		})
	}
}

// A slow network that breaks connections at every hundredth packet.
func TestSlowNetworkThatResets(t *testing.T) {
	t.Parallel()
	o, broker, redis := bad(t)
	times(t, 1, o, func(r *chaos.Rig) {
		r.During("latency of 300 ms and resets", func() {
			for _, n := range []*chaos.Network{broker(), redis()} {
				n.Latency(300 * time.Millisecond)
				n.Resets(0.01)
			}
			time.Sleep(size(10*time.Second, time.Minute))
			for _, n := range []*chaos.Network{broker(), redis()} {
				n.Latency(0)
				n.Resets(0)
			}
		})
	})
}
