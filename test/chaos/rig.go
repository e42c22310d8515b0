package chaos

import (
	"fmt"
	"math"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/test/kit"
)

// Rig is a whole bridge under load: a real Redis, a real broker, the workers
// between them, devices, the processes of a site, and an account for each
// direction.
type Rig struct {
	Redis  *kit.RedisServer
	Broker Broker
	// Workers share the session slots. Worker is the first.
	Workers []*Worker
	Worker  *Worker
	// In is what devices publish, Out what the site publishes, Answers are those to its
	// other commands.
	In, Out, Answers *Account
	Faults           *Faults
	Load             Load

	t         testing.TB
	options   messages.Map
	slots     int // that probes go through
	streams   bool
	processes []*process
	readers   sync.WaitGroup
	reading   atomic.Bool
	probes    sync.Map
	wishes    wishes
	spare     Broker
	at        atomic.Value // the address of the broker that devices use
}

// Options are what a rig may have other than the usual.
type Options struct {
	Load Load
	// Workers is how many share the session slots; by default one.
	Workers int
	// Sessions is how many session slots there are; by default as many as the worker
	// has by itself. Slots is how many there will be at most, if more.
	Sessions, Slots int
	// Subscribe is more of the site's subscribe command.
	Subscribe messages.Map
	// Streams has a stream subscribed to all that comes in, and read.
	Streams bool
	// Older is the commit of the program that workers run at first; by default they run
	// the present one.
	Older string
	// Broker starts the broker; by default Mosquitto.
	Broker func(testing.TB) Broker
	// Spare has a second broker, which knows nothing of the first one's sessions, behind it
	// in MQTT_HOST.
	Spare bool
	// Capacity of the layer's queues; by default enough for every outage.
	Capacity int
	// ToBroker and ToRedis, if set, are made to stand between each worker and
	// the servers.
	ToBroker, ToRedis func(addr string) *Network
	// Env is more of the worker's environment.
	Env []string
}

// expiry is how long the layer keeps messages, in seconds: longer than any
// outage. With the default of 60 s a Redis that hangs for longer drops, as soon
// as it is back, what no process had read before.
const expiry = 600

// NewRig starts everything but the load, and returns when messages come
// through.
func NewRig(t testing.TB, o Options) *Rig {
	t.Helper()
	if o.Broker == nil {
		o.Broker = Mosquitto
	}
	r := &Rig{
		t: t, Load: o.Load, Faults: &Faults{}, options: o.Subscribe, streams: o.Streams, slots: max(1, o.Sessions, o.Slots),
		Redis: kit.Redis(t), Broker: o.Broker(t),
		Out: NewAccount(listener), Answers: NewAccount(site),
	}
	if o.Spare {
		r.spare = o.Broker(t)
	}
	r.at.Store(r.Broker.Addr())
	var names []string
	for i := range o.Load.Processes {
		names = append(names, fmt.Sprint("process ", i))
	}
	if o.Streams {
		names = append(names, streamReader)
	}
	r.In = NewAccount(names...)
	r.reading.Store(true)
	t.Cleanup(r.end)
	for range max(1, o.Workers) {
		r.Workers = append(r.Workers, newWorker(t, r.environment(o), o.Older))
	}
	r.Worker = r.Workers[0]
	r.start()
	return r
}

func (r *Rig) environment(o Options) []string {
	broker, redis := r.Broker.Addr(), r.Redis.Addr()
	if o.ToBroker != nil {
		broker = o.ToBroker(broker).Addr()
	}
	if r.spare != nil {
		broker += "," + r.spare.Addr()
	}
	if o.ToRedis != nil {
		redis = o.ToRedis(redis).Addr()
	}
	if o.Capacity == 0 {
		o.Capacity = 1_000_000
	}
	layers := fmt.Sprintf(`CHANNEL_LAYERS={"default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [%q], "capacity": %d, "expiry": %d}}}`,
		(&url.URL{Scheme: "redis", Host: redis}).String(), o.Capacity, expiry)
	env := []string{"LOG_FORMAT=text", "MQTT_HOST=" + broker, layers}
	if o.Sessions > 0 {
		env = append(env, sessions(o.Sessions))
	}
	return append(env, o.Env...)
}

// addr is where devices find the broker.
func (r *Rig) addr() string { return r.at.Load().(string) }

// LoseBroker kills the broker for good; the spare one takes its place. What the former had
// for its sessions is lost with it, and what comes before all have subscribed to the latter
// is for nobody.
func (r *Rig) LoseBroker() {
	r.t.Helper()
	const underWay = 3 * time.Second
	from := time.Now().Add(-underWay)
	r.During("the broker is lost, for another one", func() {
		r.Broker.Kill()
		r.Broker = r.spare
		r.at.Store(r.Broker.Addr())
		r.flowsEverywhere()
	})
	r.In.Excuse(from, time.Now())
	r.Out.Excuse(from, time.Now())
}

// sessions is the setting of so many session slots.
func sessions(n int) string { return fmt.Sprint("MQTT_SESSIONS=", n) }

// end stops the readers.
func (r *Rig) end() {
	r.reading.Store(false)
	r.readers.Wait()
}

// Settle waits until everything that was acknowledged to its sender has come,
// or nothing has for so long that it never will.
func (r *Rig) Settle(within time.Duration) (in, out Sum) {
	last, least := time.Now(), math.MaxInt
	for {
		in, out = r.In.Sum(), r.Out.Sum()
		lost := in.Lost + out.Lost + r.Answers.Sum().Lost
		if lost < least {
			last, least = time.Now(), lost
		}
		if lost == 0 || time.Since(last) > within {
			return in, out
		}
		time.Sleep(100 * time.Millisecond)
	}
}
