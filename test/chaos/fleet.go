package chaos

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

// Fleet is a rig whose workers share session slots.
type Fleet struct{ *Rig }

// NewFleet starts everything but the load, and returns when messages come through every
// session slot.
func NewFleet(t testing.TB, o Options) Fleet {
	t.Helper()
	o.Load.Filters = true
	o.Env = append([]string{"MQTT_CLIENT_ID=" + clientBase}, o.Env...)
	return Fleet{NewRig(t, o)}
}

// clientBase is the client id of slot 0.
const clientBase = "fleet"

// lease is the default of SESSION_LEASE.
const lease = 1500 * time.Millisecond

// Kill ends a worker with SIGKILL and starts it again at once.
func (f Fleet) Kill(worker int) {
	f.During("kill -9, started again at once", func() { f.Workers[worker].Kill(); f.Workers[worker].Start() })
}

// Replace ends a worker with SIGKILL and starts it again when the others have taken
// its slots over.
func (f Fleet) Replace(worker int) {
	f.During("kill -9 until others go on", f.Workers[worker].Kill)
	f.During("a worker joins", f.Workers[worker].Start)
}

// Freeze stops a worker for longer than its leases.
func (f Fleet) Freeze(worker int) {
	f.During("SIGSTOP until others go on, SIGCONT", func() {
		f.Workers[worker].Freeze()
		f.flows()
		time.Sleep(lease)
		f.Workers[worker].Thaw()
	})
}

// Restart ends a worker with SIGTERM and starts it again.
func (f Fleet) Restart(worker int) {
	f.During("graceful stop and start", func() { f.Workers[worker].Stop(); f.Workers[worker].Start() })
}

// FlowsEverywhere waits until new messages come through on every topic.
func (f Fleet) FlowsEverywhere() { f.flowsEverywhere() }

// slots is the key of the leases.
const slots = "chanmqttproxy:asgi:mqtt:slots"

// Holder is the number of the worker that holds a session slot; -1: none.
func (f Fleet) Holder(slot int) int {
	f.t.Helper()
	leases, err := f.Redis.Client().HGetAll(context.Background(), slots).Result()
	if err != nil {
		f.t.Fatalf("looking who holds session slot %d: %v", slot, err)
	}
	worker, _, _ := strings.Cut(leases[fmt.Sprint("slot:", slot)], " ")
	for i, w := range f.Workers {
		if strings.HasSuffix(leases["worker:"+worker], fmt.Sprint(":", w.process().PID())) {
			return i
		}
	}
	return -1
}

// ClientID is the client id of a session slot.
func ClientID(slot int) string {
	if slot == 0 {
		return clientBase
	}
	return fmt.Sprint(clientBase, "-", slot)
}

// Longest is how long the message took that took the longest of those sent in a span of
// time, to a process of the site.
func (f Fleet) Longest(from, to time.Time) time.Duration {
	return Percentile(f.In.Latencies("process 0", from, to), 1)
}

// StopAll stops the workers one after another, and reports what they dropped.
func (f Fleet) StopAll() {
	f.t.Helper()
	for i, w := range f.Workers {
		w.Stop()
		for _, name := range []string{"full", "overflowed", "replaced", "expired"} {
			if total := w.Total(name); total != 0 {
				f.t.Errorf("worker %d dropped %d: %s", i, total, name)
			}
		}
	}
}
