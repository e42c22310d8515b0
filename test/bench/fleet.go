package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"

	"chanmqttproxy/messages"
)

// A fleet is a number of workers that share a number of sessions, and what is measured
// of them.
type fleet struct {
	name              string
	sessions, workers int
	what              kind
	args              string // of the load generator
}

// kind is what is measured of a fleet.
type kind int

const (
	loaded    kind = iota // what the load generator says
	latencies             // how long messages take at a fixed rate
	killed                // the same, while the worker of session 0 is killed
	stopped               // or ends in order
)

// The loads: more than one write takes is under way, over so many filters that each
// session has its share; and a fixed rate.
const (
	wideLoad = "subs -n 100 -window 2000"
	rateLoad = "inbound -rate "
)

var fleets = []fleet{
	{"slots-1", 1, 1, loaded, wideLoad}, {"slots-2", 2, 1, loaded, wideLoad}, {"slots-4", 4, 1, loaded, wideLoad},
	{"slots-1x2", 1, 2, loaded, wideLoad}, {"slots-2x2", 2, 2, loaded, wideLoad}, {"slots-4x2", 4, 2, loaded, wideLoad},
	{"slotlat-1", 1, 1, latencies, ""}, {"slotlat-2", 2, 1, latencies, ""}, {"slotlat-4", 4, 1, latencies, ""},
	{"slotlat-1x2", 1, 2, latencies, ""}, {"slotlat-2x2", 2, 2, latencies, ""}, {"slotlat-4x2", 4, 2, latencies, ""},
	{"rate-1k", 1, 1, loaded, rateLoad + "1000"}, {"rate-10k", 1, 1, loaded, rateLoad + "10000"},
	{"failover-1", 1, 2, killed, ""}, {"failover-4", 4, 2, killed, ""},
	{"handover-1", 1, 2, stopped, ""}, {"handover-4", 4, 2, stopped, ""},
}

const (
	wideCapacity = 20_000
	flowTopics   = 100
	flowRate     = 2000
	killRate     = 200
	// spreadTimeout is how long workers may take until each holds its share.
	spreadTimeout = time.Minute
)

// fleet measures on an emptied Redis and with fresh workers.
func (r *rig) fleet(f fleet) (figures map[string]float64, err error) {
	if err := r.empty(); err != nil {
		return nil, err
	}
	var workers []*exec.Cmd
	defer func() {
		for _, w := range workers {
			stop(w)
		}
	}()
	for range f.workers {
		w, err := r.start(wideCapacity, fmt.Sprint("MQTT_SESSIONS=", f.sessions))
		if err != nil {
			return nil, err
		}
		workers = append(workers, w)
	}
	holder, err := r.spread(f)
	if err != nil {
		return nil, err
	}
	switch f.what {
	case loaded:
		return r.load(scenario{name: f.name, args: f.args, capacity: wideCapacity, timed: true}, workers...)
	case latencies:
		return r.paced(workers)
	default:
		i := slices.IndexFunc(workers, func(w *exec.Cmd) bool { return strings.HasSuffix(holder, fmt.Sprint(":", w.Process.Pid)) })
		if i < 0 {
			return nil, fmt.Errorf("session 0 is held by %s, which is none of the workers", holder)
		}
		end := stop
		if f.what == stopped {
			end = leave
		}
		return r.without(workers, func() { end(workers[i]) })
	}
}

// workerName is what the load generator calls one of the workers.
func workerName(i int) string {
	if i == 0 {
		return "worker"
	}
	return fmt.Sprint("worker", i+1)
}

// spread waits until every worker holds its share of the sessions, and returns who holds
// session 0.
func (r *rig) spread(f fleet) (holder string, err error) {
	client := r.client("mqtt") // whose leases they are
	defer client.Close()
	ctx, cancel := context.WithTimeout(r.ctx, spreadTimeout)
	defer cancel()
	for {
		leases, err := client.Leases(ctx)
		if err == nil && leases.Workers == f.workers && isSpread(leases.Slots, f) {
			return leases.Slots[0].Name, nil
		}
		select {
		case <-ctx.Done():
			return "", errors.Join(fmt.Errorf("the %d workers did not share %d sessions within %v", f.workers, f.sessions, spreadTimeout), err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// isSpread says whether all sessions are held, and by each worker as many as by another,
// or one more.
func isSpread(slots []messages.SlotInfo, f fleet) bool {
	share := map[string]int{}
	for _, s := range slots {
		if s.Holder == "" {
			return false
		}
		share[s.Holder]++
	}
	if len(slots) != f.sessions || len(share) != min(f.sessions, f.workers) {
		return false
	}
	least, most := f.sessions, 0
	for _, n := range share {
		least, most = min(least, n), max(most, n)
	}
	return most <= least+1
}

// String is the fleet and what is measured of it, as the list says it.
func (f fleet) String() string {
	what := map[kind]string{
		loaded: "load " + f.args, latencies: fmt.Sprintf("latency at %d a second", flowRate),
		killed: "a worker is killed", stopped: "a worker stops in order",
	}
	return fmt.Sprintf("%s: %d sessions, %d workers", what[f.what], f.sessions, f.workers)
}
