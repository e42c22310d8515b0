package chaos

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// Soak loads a bridge for a time while faults come at random, drawn from the
// seed, and checks the account, and that the worker's memory, files, threads
// and goroutines do not grow. In the second half nothing ends the worker, so
// that what it leaks adds up. It logs a table of everything.
func Soak(t testing.TB, duration time.Duration, seed uint64) {
	t.Logf("seed %d", seed)
	s := newSoak(t, seed)
	goroutines := s.goroutines()
	stop := s.rig.Run()
	half := time.Now().Add(duration / 2)
	for time.Now().Before(half) {
		s.harm(append(s.deadly(), s.harmless()...))
	}
	for end := half.Add(duration / 2); time.Now().Before(end); {
		s.harm(s.harmless())
		s.usage = append(s.usage, s.rig.Worker.Usage())
	}
	stop()
	s.rig.Check(time.Minute)
	s.flat(goroutines, s.goroutines())
	for _, name := range []string{"full", "overflowed", "replaced", "expired", "unmatched"} {
		if n := s.rig.Worker.Total(name); n > 0 {
			t.Errorf("the worker dropped %d: %s", n, name)
		}
	}
}

type soak struct {
	t             testing.TB
	rig           *Rig
	random        *rand.Rand
	broker, redis *Network
	usage         []Usage
}

func newSoak(t testing.TB, seed uint64) *soak {
	s := &soak{t: t, random: rand.New(rand.NewPCG(seed, 0))}
	s.rig = NewRig(t, Options{
		Load: Load{Processes: 3, Topics: 20, In: 300, QoS: 1, Out: 100},
		Env:  []string{"MQTT_KEEPALIVE=3"},
		ToBroker: func(addr string) *Network {
			s.broker = NewNetwork(t, addr)
			return s.broker
		},
		ToRedis: func(addr string) *Network {
			s.redis = NewNetwork(t, addr)
			return s.redis
		},
	})
	return s
}

// goroutines is how many the worker has when it has nothing to do. It is
// started again.
func (s *soak) goroutines() (n int) {
	s.rig.During("look at the worker's goroutines", func() {
		n = s.rig.Worker.Goroutines()
		s.rig.Worker.Start()
	})
	return n
}

// harm does one of several things, after a while.
func (s *soak) harm(faults []func()) {
	time.Sleep(time.Second + time.Duration(s.random.Int64N(int64(4*time.Second))))
	faults[s.random.IntN(len(faults))]()
}

// deadly are the faults that end the worker.
func (s *soak) deadly() []func() {
	return []func(){s.rig.KillWorker, s.rig.KillBusyWorker, s.rig.StopWorker}
}

// harmless are those that it has to live with.
func (s *soak) harmless() []func() {
	const hang = 6 * time.Second // two keep-alives
	during := func(name string, harm func()) func() { return func() { s.rig.During(name, harm) } }
	return []func(){
		s.rig.RestartRedis,
		s.rig.RestartBroker,
		func() { s.rig.FreezeRedis(hang) },
		func() { s.rig.FreezeBroker(hang) },
		during("reset of the connection to the broker", s.broker.Reset),
		during("reset of the connections to Redis", s.redis.Reset),
		during("half-open connection to the broker", s.broker.Lose),
		during("half-open connections to Redis", s.redis.Lose),
		during("latency of 300 ms and resets for 6 s", func() { s.spoil(hang) }),
	}
}

// spoil makes both networks bad for a time.
func (s *soak) spoil(d time.Duration) {
	for _, n := range []*Network{s.broker, s.redis} {
		n.Latency(300 * time.Millisecond)
		n.Resets(0.01)
	}
	time.Sleep(d)
	for _, n := range []*Network{s.broker, s.redis} {
		n.Latency(0)
		n.Resets(0)
	}
}

// Growth that is none: what a Go program may take more from one look to the
// next.
const (
	moreMemory     = 24 << 20
	moreFiles      = 8
	moreThreads    = 8
	moreGoroutines = 20
)

// flat checks that the worker had as much of everything at the end as before.
func (s *soak) flat(before, after int) {
	s.t.Helper()
	third := max(1, len(s.usage)/3)
	first, last := typical(s.usage[:third]), typical(s.usage[len(s.usage)-third:])
	s.t.Logf("\n| worker | in the middle | at the end |\n|---|---|---|\n| memory | %.1f MB | %.1f MB |\n| files | %d | %d |\n| threads | %d | %d |\n| goroutines | %d | %d |\n",
		mb(first.RSS), mb(last.RSS), first.Files, last.Files, first.Threads, last.Threads, before, after)
	for what, grown := range map[string]bool{
		fmt.Sprintf("memory from %v to %v", first, last): last.RSS > first.RSS*5/4+moreMemory,
		"files":      last.Files > first.Files+moreFiles,
		"threads":    last.Threads > first.Threads+moreThreads,
		"goroutines": after > before+moreGoroutines,
	} {
		if grown {
			s.t.Errorf("the worker grew: %s", what)
		}
	}
}

// typical is the median of each.
func typical(list []Usage) Usage {
	of := func(get func(Usage) int64) int64 {
		values := make([]int64, len(list))
		for i, u := range list {
			values[i] = get(u)
		}
		slices.Sort(values)
		return values[len(values)/2]
	}
	return Usage{
		RSS:     of(func(u Usage) int64 { return u.RSS }),
		Files:   int(of(func(u Usage) int64 { return int64(u.Files) })),
		Threads: int(of(func(u Usage) int64 { return int64(u.Threads) })),
	}
}

func mb(bytes int64) float64 { return float64(bytes) / (1 << 20) }
