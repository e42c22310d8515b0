package chaos_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"chanmqttproxy/test/chaos"
)

// The number of session slots changes every five seconds under load, while workers are
// killed, and frozen for longer and for shorter than their leases.
func TestResizeUnderLoad(t *testing.T) {
	for name, o := range map[string]chaos.Options{
		"mosquitto": {Load: asking()},
		"RabbitMQ":  {Load: slower(asking()), Broker: chaos.RabbitMQ},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o.Load.NoQoS2 = o.Broker != nil
			o.Workers, o.Sessions, o.Slots = 3, 1, 4
			resizes(t, o)
		})
	}
}

func resizes(t *testing.T, o chaos.Options) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	f := chaos.NewFleet(t, o)
	harm := []func(int){f.Kill, f.Freeze, f.Blink, func(int) {}}
	if o.Broker != nil {
		harm[1] = f.Replace // after a freeze RabbitMQ sends newer messages first: see test/brokers
	}
	random.Shuffle(len(harm), func(i, j int) { harm[i], harm[j] = harm[j], harm[i] })
	layouts, ends := []int{3, 2, 4, 1}, []func(*chaos.Worker){(*chaos.Worker).Stop, (*chaos.Worker).Kill}
	stop := f.Run()
	sessions := 1
	for i := range size(len(layouts), 20) {
		next := time.Now().Add(5 * time.Second)
		sessions = layouts[i%len(layouts)]
		f.Propose(random.IntN(o.Workers), sessions, ends[random.IntN(len(ends))])
		time.Sleep(time.Duration(random.Int64N(int64(2 * time.Second))))
		harm[i%len(harm)](random.IntN(o.Workers))
		time.Sleep(time.Until(next))
	}
	f.Settled(sessions)
	account(f, stop)
}

// asking is wide with commands that want answers.
func asking() chaos.Load {
	l := wide()
	l.Asked = size(10, 50)
	return l
}

// slower is a load that RabbitMQ carries: it sends no more than ten messages (mqtt.prefetch)
// ahead of the acknowledgements, so that more would wait in its queues.
func slower(l chaos.Load) chaos.Load {
	l.In = min(l.In, 400)
	return l
}

// long skips what is only played in full.
func long(t *testing.T) {
	t.Helper()
	if !full {
		t.Skip("NOT TESTED: it takes long; CHAOS=full plays it")
	}
}
