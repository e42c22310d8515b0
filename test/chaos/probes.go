package chaos

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"chanmqttproxy/test/kit"
)

// flows waits until new messages come through, both ways, by all session slots, and
// to every process that reads.
func (r *Rig) flows() {
	r.t.Helper()
	r.probe(r.probed())
}

// flowsEverywhere waits until new messages come through on all topics.
func (r *Rig) flowsEverywhere() {
	r.t.Helper()
	if r.Load.Filters {
		r.probe(r.filters()) // they are the topics
	} else {
		r.flows()
	}
}

// probe waits until new messages come through on topics, and back.
func (r *Rig) probe(topics []string) {
	r.t.Helper()
	probe := fmt.Sprint("probe ", devices.Add(1))
	d := r.device(true)
	defer d.close()
	deadline := time.Now().Add(2 * time.Minute)
	for back := false; len(topics) > 0 || !back; {
		if time.Now().After(deadline) {
			r.t.Fatalf("nothing new comes through on %v to %v\n%s\nthe workers' last words:\n%s",
				topics, r.waiting(topics, probe), r.Table(r.In.Sum(), r.Out.Sum()), r.dump())
		}
		for _, topic := range topics {
			within, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			_ = d.publish(within, topic, 1, probe)
			cancel()
		}
		if !back {
			r.Site().Send(kit.Publish("out/probe", probe, 1))
		}
		time.Sleep(20 * time.Millisecond)
		topics = slices.DeleteFunc(topics, func(topic string) bool { return len(r.waiting([]string{topic}, probe)) == 0 })
		_, back = r.probes.Load(listener + "out/probe" + probe)
	}
}

// waiting are those who have not got the probe on one of the topics.
func (r *Rig) waiting(topics []string, probe string) (names []string) {
	for _, name := range r.receivers() {
		for _, topic := range topics {
			if _, ok := r.probes.Load(name + topic + probe); !ok {
				names = append(names, name)
				break
			}
		}
	}
	return names
}

// heard is how often a probe has come.
func (r *Rig) heard(receiver, topic, text string) int {
	n, ok := r.probes.Load(receiver + topic + text)
	if !ok {
		return 0
	}
	return int(n.(*atomic.Int64).Load())
}

// publishOnce sends a probe and waits until the broker has it.
func (r *Rig) publishOnce(d *device, topic, text string) {
	r.t.Helper()
	within, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := d.publish(within, topic, 1, text); err != nil {
		r.t.Errorf("a device could not publish to %s: %v", topic, err)
	}
}
