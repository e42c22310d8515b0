package main

import (
	"fmt"
	"strings"
)

// sessionsTable is what more sessions and workers bring, in Markdown; empty if nothing
// was measured.
func sessionsTable(results []result) string {
	var b strings.Builder
	for _, f := range fleets {
		u := measured(results, f.name)
		if f.args != wideLoad || u.secs == 0 {
			continue
		}
		late := of(results, strings.Replace(f.name, "slots", "slotlat", 1), "worker", p99)
		fmt.Fprintf(&b, "| %d | %d | %s | %s | %s | %s | %s | %s ms | %d | %.0f %% |\n",
			f.sessions, f.workers, number(u.rate), number(u.per100k(u.worker)), number(u.per100k(u.broker)), number(u.per100k(u.redis)),
			u.limit(), number(late.median()), u.runs, 100*max(u.noise, late.noise))
	}
	if b.Len() == 0 {
		return ""
	}
	return "For each number of MQTT sessions and workers (QoS 0, 100 filters, capacity 20,000; p99 at a fixed rate):\n\n| sessions | workers | messages a second | CPU of workers for 100,000, s | of the broker | of Redis | what was full | " +
		fmt.Sprintf("p99 at %s a second | runs | noise |\n", number(flowRate)) +
		"|--:|--:|--:|--:|--:|--:|---|--:|--:|--:|\n" + b.String()
}

// shares are how much of a processor each part used, in the middle of some runs.
type shares struct {
	worker, broker, redis, daphne, load, others float64
	queue                                       float64 // events that waited for Daphne
	rate, secs, processors, noise               float64
	runs                                        int
}

// measured are the shares in a scenario of the load generator.
func measured(results []result, scenario string) shares {
	figure := func(name string) float64 { return of(results, scenario, "worker", name).median() }
	count := of(results, scenario, "worker", rate)
	s := shares{
		rate: count.median(), secs: figure("secs"), processors: figure("processors"), noise: count.noise, runs: len(count.values),
	}
	if s.secs == 0 {
		return shares{}
	}
	s.worker = (figure("cpu_worker_s") + figure("cpu_worker2_s")) / s.secs
	s.broker, s.redis = figure("cpu_mosquitto_s")/s.secs, figure("cpu_redis_s")/s.secs
	s.daphne, s.queue = figure("cpu_daphne_s")/s.secs, figure("queue")
	s.load, s.others = figure("cpu_load_s")/s.secs, figure("cpu_others_s")/s.secs
	return s
}

// per100k is the CPU for 100,000 messages, in seconds, of a part that used such a share.
func (s shares) per100k(share float64) float64 {
	if s.rate == 0 {
		return 0
	}
	return share / s.rate * 100_000
}

// full is the share of what there is that counts as all of it, and fullQueue the number of
// events in Daphne's queue that counts as all it holds: the worker looks every 20 ms whether
// there is room.
const full, fullQueue = 0.9, 0.8 * daphneQueue

// limit says what kept more messages from passing. Broker, Redis and Daphne use one
// processor at most; all else shares the machine. Daphne uses less while it waits for Redis, and
// is the limit too when its queue is full though a processor is free.
func (s shares) limit() string {
	all := s.worker + s.broker + s.redis + s.daphne + s.load + s.others
	switch {
	case s.broker >= full && s.broker >= s.redis:
		return "the broker"
	case s.redis >= full:
		return "Redis"
	case s.processors > 0 && all >= full*s.processors:
		site := ""
		if s.daphne > 0 {
			site = fmt.Sprintf(", Daphne %.1f", s.daphne)
		}
		return fmt.Sprintf("%.0f processors: workers %.1f, broker %.1f, Redis %.1f%s, load generator %.1f, others %.1f",
			s.processors, s.worker, s.broker, s.redis, site, s.load, s.others)
	case s.daphne >= full || s.queue >= fullQueue:
		return fmt.Sprintf("Daphne: %.0f events wait for it; it uses %.2f of a processor, all together %.1f of %.0f", s.queue, s.daphne, all, s.processors)
	default:
		return "none: the messages under way"
	}
}

// failoverTable is what happens to messages when a worker ends, in Markdown; empty if
// nothing was measured.
func failoverTable(results []result) string {
	var b strings.Builder
	for _, f := range fleets {
		figure := func(name string) sample { return of(results, f.name, "worker", name) }
		late := figure("late")
		if f.what != killed && f.what != stopped || len(late.values) == 0 {
			continue
		}
		how := "kill -9"
		if f.what == stopped {
			how = "stop in order"
		}
		fmt.Fprintf(&b, "| %s | %d | %.0f | %.2f s | %.2f s | %.0f | %.0f | %.0f | %d | %.0f %% |\n",
			how, f.sessions, late.median(), figure("longest_ms").median()/1000, figure("longest_ms").most()/1000,
			figure("lost_msgs").most(), figure("dup").most(), figure("reordered").most(), len(late.values), 100*late.noise)
	}
	if b.Len() == 0 {
		return ""
	}
	return fmt.Sprintf("When one of two workers ends (QoS 1):\n\n| a worker of two ends | sessions | messages later than %v (%d a second are sent) | latest: by | in the worst run | lost | twice | out of order | runs | noise |\n", lateAfter, killRate) +
		"|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n" + b.String()
}
