package chaos_test

import (
	"os"
	"testing"
	"time"

	"chanmqttproxy/test/chaos"
)

// size is that of a scenario in CI, or in full where CHAOS=full asks for it.
func size[T any](ci, full T) T {
	if os.Getenv("CHAOS") == "full" {
		return full
	}
	return ci
}

// busy is the load under which things are broken.
func busy() chaos.Load {
	return chaos.Load{Processes: 2, Topics: 20, In: size(400, 2000), QoS: 1, Out: size(100, 500)}
}

// quiet is how long nothing is broken between two faults: long enough that most
// of the time no repeat has an excuse.
const quiet = 4 * time.Second

// times breaks something again and again under load, and checks the account.
func times(t *testing.T, n int, o chaos.Options, harm func(*chaos.Rig)) {
	t.Helper()
	r := chaos.NewRig(t, o)
	stop := r.Run()
	time.Sleep(quiet / 2)
	for range n {
		harm(r)
		time.Sleep(quiet)
	}
	stop()
	r.Check(time.Minute)
	r.Worker.Stop()
	for _, name := range []string{"full", "overflowed", "replaced", "expired"} {
		if total := r.Worker.Total(name); total != 0 {
			t.Errorf("the worker dropped %d: %s", total, name)
		}
	}
}

func TestWorkerIsKilled(t *testing.T) {
	kills := 0
	times(t, size(5, 50), chaos.Options{Load: busy()}, func(r *chaos.Rig) {
		if kills++; kills%2 == 0 {
			r.KillWorker()
		} else {
			r.KillBusyWorker()
		}
	})
}

func TestWorkerIsRestarted(t *testing.T) {
	times(t, size(2, 20), chaos.Options{Load: busy()}, (*chaos.Rig).StopWorker)
}

func TestRedisRestarts(t *testing.T) {
	times(t, size(3, 20), chaos.Options{Load: busy()}, (*chaos.Rig).RestartRedis)
}

func TestBrokerRestarts(t *testing.T) {
	times(t, size(3, 20), chaos.Options{Load: busy()}, (*chaos.Rig).RestartBroker)
}
