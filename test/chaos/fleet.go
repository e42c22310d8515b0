package chaos

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	paho3 "github.com/eclipse/paho.mqtt.golang"
	"github.com/redis/go-redis/v9"

	"chanmqttproxy/test/kit"
)

// Fleet is a rig whose workers share session slots.
type Fleet struct {
	*Rig
	redis  *redis.Client
	moving *atomic.Bool
	left   map[string]bool // what an older version has left in sessions: see strays
}

// NewFleet starts everything but the load, and returns when messages come through every
// session slot, and each worker has its share of them.
func NewFleet(t testing.TB, o Options) Fleet {
	t.Helper()
	o.Load.Filters = true
	o.Env = append([]string{"MQTT_CLIENT_ID=" + clientBase}, o.Env...)
	r := NewRig(t, o)
	f := Fleet{r, r.Redis.Client(), new(atomic.Bool), map[string]bool{}}
	f.Spread()
	f.flows()
	f.watchMoves()
	return f
}

// watchMoves enters the times in which filters move, when a message may come twice.
func (f Fleet) watchMoves() {
	ctx, cancel := context.WithCancel(context.Background())
	var watching sync.WaitGroup
	watching.Go(func() {
		end := func() {}
		for ; ctx.Err() == nil; pause(ctx, 50*time.Millisecond) {
			layout, err := f.redis.HGet(ctx, leases, "layout").Result()
			if moving := !strings.HasSuffix(layout, " 0"); err == nil && moving != f.moving.Load() {
				if f.moving.Store(moving); moving {
					end = f.Faults.Begin("filters move")
				} else {
					end()
				}
			}
		}
		end()
	})
	f.t.Cleanup(func() {
		cancel()
		watching.Wait()
	})
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

// Layout is how many session slots there are, and how many there were, if filters move.
func (f Fleet) Layout() (sessions, before int) {
	f.t.Helper()
	layout, err := f.redis.HGet(context.Background(), leases, "layout").Result()
	if err == redis.Nil {
		return 0, 0 // Redis has lost it, and no worker has asked since
	}
	if err != nil {
		f.t.Fatalf("looking how many session slots there are: %v", err)
	}
	_, _ = fmt.Sscan(layout, &sessions, &before)
	return sessions, before
}

// Resize restarts one worker after another, to have so many session slots, each when all
// filters have moved.
func (f Fleet) Resize(to int) {
	f.t.Helper()
	for _, w := range f.Workers {
		f.During(fmt.Sprint("restart with MQTT_SESSIONS=", to), func() {
			w.Set(sessions(to))
			w.Stop()
			w.Start()
			kit.Eventually(f.t, time.Minute, "all filters have moved", func() bool {
				now, before := f.Layout()
				return now == to && before == 0
			})
		})
	}
}

// Stored says whether the broker has a session of a slot that is not connected.
func (f Fleet) Stored(slot int) bool {
	f.t.Helper()
	client := paho3.NewClient(paho3.NewClientOptions().AddBroker("tcp://" + f.Broker.Addr()).
		SetClientID(ClientID(slot)).SetCleanSession(false).SetConnectTimeout(10 * time.Second))
	token := client.Connect()
	if token.Wait(); token.Error() != nil {
		f.t.Fatalf("connecting as %s: %v", ClientID(slot), token.Error())
	}
	client.Disconnect(0)
	return token.(*paho3.ConnectToken).SessionPresent()
}

// FlowsEverywhere waits until new messages come through on every topic.
func (f Fleet) FlowsEverywhere() { f.flowsEverywhere() }

// leases is the key of the leases.
const leases = "chanmqttproxy:asgi:mqtt:slots"

// Holder is the number of the worker that holds a session slot; -1: none.
func (f Fleet) Holder(slot int) int {
	f.t.Helper()
	all, err := f.redis.HGetAll(context.Background(), leases).Result()
	if err != nil {
		f.t.Fatalf("looking who holds session slot %d: %v", slot, err)
	}
	worker, _, _ := strings.Cut(all[fmt.Sprint("slot:", slot)], " ")
	for i, w := range f.Workers {
		if strings.HasSuffix(all["worker:"+worker], fmt.Sprint(":", w.process().PID())) {
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

// Spread waits until every worker holds as many session slots as the others, or one more.
func (f Fleet) Spread() {
	f.t.Helper()
	kit.Eventually(f.t, time.Minute, "all workers hold their share", func() bool {
		sessions, _ := f.Layout()
		counts := make([]int, len(f.Workers))
		for slot := range sessions {
			if holder := f.Holder(slot); holder >= 0 {
				counts[holder]++
			}
		}
		return slices.Min(counts) == sessions/len(counts) && slices.Max(counts) <= slices.Min(counts)+1
	})
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
