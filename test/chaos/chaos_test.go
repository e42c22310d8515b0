package chaos_test

import (
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"chanmqttproxy/test/chaos"
)

// TestMain looks for goroutines that outlive their tests.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var full = os.Getenv("CHAOS") == "full"

// size is that of a scenario in CI, or in full where CHAOS=full asks for it.
func size[T any](ci, all T) T {
	if full {
		return all
	}
	return ci
}

// busy is the load under which things are broken.
func busy() chaos.Load {
	return chaos.Load{Processes: 2, Topics: 20, In: size(200, 2000), QoS: 1, Out: size(100, 500)}
}

// versions runs a scenario with a worker that speaks each version of MQTT; in
// CI both at once.
func versions(t *testing.T, n int, harm func(*chaos.Rig)) {
	for name, version := range map[string]string{"5": "50", "3.1.1": "311"} {
		t.Run(name, func(t *testing.T) {
			if !full {
				t.Parallel()
			}
			times(t, n, chaos.Options{Load: busy(), Env: []string{"MQTT_VERSION=" + version}}, harm)
		})
	}
}

// quiet is how long nothing is broken between two faults: long enough that most
// of the time no repeat has an excuse. In full it is also long enough for a
// connection to count as steady, so that the next loss is a first one.
var quiet = size(4*time.Second, 6*time.Second)

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
	r.Check(size(30*time.Second, time.Minute))
	r.Worker.Stop()
	for _, name := range []string{"full", "overflowed", "replaced", "expired"} {
		if total := r.Worker.Total(name); total != 0 {
			t.Errorf("the worker dropped %d: %s", total, name)
		}
	}
}

func TestWorkerIsKilled(t *testing.T) {
	versions(t, size(2, 25), func(r *chaos.Rig) {
		r.KillWorker()
		time.Sleep(quiet / 2)
		r.KillBusyWorker()
	})
}

func TestWorkerIsRestarted(t *testing.T) { versions(t, size(2, 20), (*chaos.Rig).StopWorker) }

func TestRedisRestarts(t *testing.T) { versions(t, size(3, 20), (*chaos.Rig).RestartRedis) }

func TestBrokerRestarts(t *testing.T) { versions(t, size(3, 20), (*chaos.Rig).RestartBroker) }

// What the broker has kept while the worker was away comes all at once, and is
// dealt with as quickly as anything else.
func TestBacklogAtTheBroker(t *testing.T) {
	for name, version := range map[string]string{"5": "50", "3.1.1": "311"} {
		t.Run(name, func(t *testing.T) {
			if !full {
				t.Parallel()
			}
			r := chaos.NewRig(t, chaos.Options{
				Load: chaos.Load{Processes: 1, Topics: 20, In: 1, QoS: 1}, Env: []string{"MQTT_VERSION=" + version},
			})
			r.Worker.Kill()
			r.Burst(size(20_000, 200_000))
			began := time.Now()
			watched := r.Worker.Watch()
			r.Worker.Start()
			r.Check(size(20*time.Second, time.Minute))
			t.Logf("all came within %v; the worker had at most %v", time.Since(began).Round(time.Millisecond), watched())
			r.Worker.Stop()
		})
	}
}

// A stream has all that groups have, in order, whatever is broken between a device and the
// reader of the stream.
func TestStream(t *testing.T) {
	for name, version := range map[string]string{"5": "50", "3.1.1": "311"} {
		t.Run(name, func(t *testing.T) {
			if !full && version == "311" {
				t.Skip("in full only: CHAOS=full")
			}
			o := chaos.Options{Load: busy(), Streams: true, Env: []string{"MQTT_VERSION=" + version}}
			times(t, size(1, 20), o, func(r *chaos.Rig) {
				for _, harm := range []func(){r.KillWorker, r.KillBusyWorker, r.RestartRedis, r.RestartBroker} {
					harm()
					time.Sleep(quiet / 2)
				}
			})
		})
	}
}
