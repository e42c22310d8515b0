package chaos_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/test/chaos"
	"chanmqttproxy/test/kit"
)

// A process that reads no more costs the others nothing. Windows of both kinds
// take turns and their medians count, so that what else the machine does does
// not; where that is not enough it is tried again.
func TestOneProcessStops(t *testing.T) {
	const tries = 3
	for try := 1; ; try++ {
		before, after := stops(t)
		t.Logf("99th percentile of the other four's latency: %v with all reading, %v with one stuck", before, after)
		if after < 2*before {
			return
		}
		if try == tries {
			t.Fatalf("one process that stopped reading changed the others' latency from %v to %v", before, after)
		}
	}
}

// stuck is the process that stops.
const stuck = 4

// stops measures the 99th percentile with and without the process.
func stops(t *testing.T) (before, after time.Duration) {
	t.Helper()
	r := chaos.NewRig(t, chaos.Options{
		Load: chaos.Load{Processes: 5, Topics: 20, In: 250, QoS: 1}, Capacity: 100,
	})
	stop := r.Run()
	var reading, stopped []time.Duration
	for range 2 {
		time.Sleep(time.Second)
		reading = append(reading, windows(r)...)
		r.StopReading(stuck)
		time.Sleep(time.Second) // its queue is full
		stopped = append(stopped, windows(r)...)
		r.ResumeReading(stuck)
		r.Settle(time.Minute)
	}
	stop()
	r.Check(time.Minute)
	r.Worker.Stop()
	return median(reading), median(stopped)
}

// windows are the 99th percentiles of the others' latency, a few in a row.
func windows(r *chaos.Rig) (list []time.Duration) {
	for range 2 {
		from := time.Now()
		time.Sleep(size(2*time.Second, 10*time.Second))
		list = append(list, others(r, from, time.Now()))
	}
	return list
}

func others(r *chaos.Rig, from, to time.Time) time.Duration {
	var list []time.Duration
	for i := range stuck {
		list = append(list, r.In.Latencies(fmt.Sprint("process ", i), from, to)...)
	}
	slices.Sort(list)
	return chaos.Percentile(list, 0.99)
}

func median(list []time.Duration) time.Duration {
	slices.Sort(list)
	return chaos.Percentile(list, 0.5)
}

// burst is more than a process can take at once, and rest what it takes to read
// about a thousand a second: the queue has room for a hundred.
var (
	burst = size(5000, 20_000)
	rest  = 100 * time.Millisecond
)

// overloaded sends a burst to a process that is slow, and returns the most
// memory that the worker had.
func overloaded(t *testing.T, overflow string) (r *chaos.Rig, peak chaos.Usage) {
	t.Helper()
	r = chaos.NewRig(t, chaos.Options{
		Load:      chaos.Load{Processes: 1, Topics: 20, In: 1, QoS: 1},
		Subscribe: messages.Map{{Key: "overflow", Value: overflow}},
		Capacity:  100, Env: []string{"QUEUE_BACKLOG=25000"},
	})
	r.SlowDown(0, rest)
	watched := r.Worker.Watch()
	began := time.Now()
	r.Burst(burst)
	t.Logf("%d messages were sent within %v", burst, time.Since(began).Round(time.Millisecond))
	kit.Eventually(t, size(20*time.Second, time.Minute), "the last message of each topic came", func() bool {
		return !slices.ContainsFunc(lasts(r), func(last int) bool { return last != burst/r.Load.Topics-1 })
	})
	peak = watched()
	t.Logf("the worker had at most %v", peak)
	return r, peak
}

// lasts are the highest numbers that have come, of each topic.
func lasts(r *chaos.Rig) []int {
	list := make([]int, r.Load.Topics)
	for i := range list {
		list[i] = slices.Max(append(r.In.Values("process 0", fmt.Sprint("in/", i)), -1))
	}
	return list
}

// memory is the most that the worker may have under any of these loads, the
// race detector's share included.
const memory = 400 << 20

func TestBurstWaits(t *testing.T) {
	r, peak := overloaded(t, "wait")
	r.Check(time.Second)
	if peak.RSS > memory {
		t.Errorf("the worker had %v", peak)
	}
	r.Worker.Stop()
}

func TestBurstKeepsTheLatest(t *testing.T) {
	r, peak := overloaded(t, "latest")
	sum := r.In.Sum()
	t.Logf("%d of %d came", sum.Delivered, sum.Acked)
	if sum.Late+sum.Stray+len(sum.Repeats) > 0 {
		t.Errorf("%d out of order, %d that nobody sent, %d repeated", sum.Late, sum.Stray, len(sum.Repeats))
	}
	if peak.RSS > memory {
		t.Errorf("the worker had %v", peak)
	}
	r.Worker.Stop()
	if replaced := r.Worker.Total("replaced"); int(replaced)+sum.Delivered != sum.Acked {
		t.Errorf("%d came and the worker says that it replaced %d, but %d were sent", sum.Delivered, replaced, sum.Acked)
	}
}
