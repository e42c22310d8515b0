package chaos_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"chanmqttproxy/test/chaos"
)

// wide is the load that session slots share.
func wide() chaos.Load {
	return chaos.Load{Processes: size(1, 2), Topics: size(30, 200), In: size(300, 3000), QoS: 1, Out: size(50, 300)}
}

// Workers that die, hang, stop and come back, in any order, lose nothing, and no two of
// them act for the same session slot at once.
func TestFleet(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	f := chaos.NewFleet(t, chaos.Options{Load: wide(), Workers: 3, Sessions: 6})
	harm := []func(int){f.Kill, f.Replace, f.Freeze, f.Restart}
	stop := f.Run()
	for i := range size(8, 30) {
		time.Sleep(time.Duration(random.Int64N(int64(size(time.Second, 5*time.Second)))))
		harm[(i+random.IntN(2))%len(harm)](random.IntN(len(f.Workers)))
	}
	account(f, stop)
}

// While Redis is away nobody knows who holds a slot: sessions stay connected, and nothing
// is sent for them. Then they go on where they were.
func TestFleetRedisAway(t *testing.T) {
	t.Parallel()
	load := wide()
	load.In = size(300, 150) // what waits fits into the receive maximum: of more, mosquitto sends newer messages first
	f := chaos.NewFleet(t, chaos.Options{Load: load, Workers: 2, Sessions: 4})
	stop := f.Run()
	for _, fault := range []struct {
		name       string
		away, back func()
	}{
		{"Redis hangs", f.Redis.Pause, f.Redis.Resume},
		{"Redis is down", f.Redis.Kill, f.Redis.Restart},
	} {
		connects := f.Connects()
		f.During(fault.name, func() {
			fault.away()
			time.Sleep(over)
			before := f.Out.Sum().Delivered
			time.Sleep(away - over)
			if sent := f.Out.Sum().Delivered - before; sent > 0 {
				t.Errorf("%s: %d were sent by workers whose leases were over", fault.name, sent)
			}
			fault.back()
		})
		time.Sleep(over)
		if n := f.Connects() - connects; n > 0 {
			t.Errorf("%s: sessions were connected %d times anew", fault.name, n)
		}
	}
	account(f, stop)
}

// away is how long Redis is away, and over after how long no lease is held any more.
var away, over = size(4*time.Second, 20*time.Second), 2 * time.Second

// A worker that cannot reach Redis, or not the broker, loses its slots to one that can.
func TestFleetPartition(t *testing.T) {
	t.Parallel()
	var toBroker, toRedis []*chaos.Network
	f := chaos.NewFleet(t, chaos.Options{
		Load: wide(), Workers: 2, Sessions: 4, Env: impatient,
		ToBroker: func(addr string) *chaos.Network {
			toBroker = append(toBroker, chaos.NewNetwork(t, addr))
			return toBroker[len(toBroker)-1]
		},
		ToRedis: func(addr string) *chaos.Network {
			toRedis = append(toRedis, chaos.NewNetwork(t, addr))
			return toRedis[len(toRedis)-1]
		},
	})
	stop := f.Run()
	for _, side := range []struct {
		name string
		*chaos.Network
	}{
		{"the broker", toBroker[0]},
		{"Redis", toRedis[0]}, // last: the worker stops before it has found out
	} {
		f.Spread()
		f.During("cut from "+side.name, side.Cut)
		for slot := range 4 {
			if f.Holder(slot) != 1 {
				t.Errorf("%s is out of reach of a worker that holds slot %d", side.name, slot)
			}
		}
		f.During("cut from "+side.name+" no more", side.Mend)
	}
	account(f, stop)
}

// A worker that dies is succeeded when its lease is over, and one that stops at once.
func TestFleetTakeOver(t *testing.T) {
	t.Parallel()
	f := chaos.NewFleet(t, chaos.Options{Load: wide(), Workers: 2, Sessions: 1})
	stop := f.Run()
	for range size(2, 10) {
		for name, end := range map[string]func(*chaos.Worker){"kill -9": (*chaos.Worker).Kill, "graceful stop": (*chaos.Worker).Stop} {
			holder, began := f.Workers[f.Holder(0)], time.Now()
			f.During(name+" of the worker that holds all", func() { end(holder) })
			took := f.Longest(began, time.Now())
			t.Logf("%s: the longest wait was %v", name, took.Round(time.Millisecond))
			if took > 30*time.Second {
				t.Errorf("after a %s messages waited for %v", name, took)
			}
			f.During("a worker joins", holder.Start)
		}
	}
	stop()
	f.Check(time.Minute)
	f.StopAll()
}

// Workers that are restarted one after another interrupt next to nothing.
func TestFleetRollingRestart(t *testing.T) {
	t.Parallel()
	f := chaos.NewFleet(t, chaos.Options{Load: wide(), Workers: 3, Sessions: 6})
	stop := f.Run()
	began := time.Now()
	for worker := range f.Workers {
		f.Restart(worker)
		f.Spread()
	}
	t.Logf("the longest wait was %v", f.Longest(began, time.Now()).Round(time.Millisecond))
	account(f, stop)
}

// More session slots, and fewer again, lose nothing, and leave nothing behind.
func TestFleetResize(t *testing.T) {
	t.Parallel()
	f := chaos.NewFleet(t, chaos.Options{Load: wide(), Workers: 2, Sessions: 2, Slots: 5})
	stop := f.Run()
	for _, sessions := range []int{5, 2} {
		f.Resize(sessions)
		f.FlowsEverywhere()
	}
	stop()
	f.Check(time.Minute)
	for slot := 2; slot < 5; slot++ {
		if f.Stored(slot) {
			t.Errorf("the session of slot %d, which is no more, is still stored", slot)
		}
	}
	f.StopAll()
	f.OneHolder()
}

// account ends the load, checks what became of every message and command, and that no slot
// ever had two holders.
func account(f chaos.Fleet, stop func()) {
	stop()
	f.Check(time.Minute)
	f.StopAll()
	f.OneHolder()
}
