package main

import (
	"fmt"
	"strings"
)

// A collector is a way to pace Go's garbage collector in the worker.
type collector struct {
	name     string
	settings []string // of the worker
}

// collectors begin with the worker's own way, which is runtime/gcpace.
var collectors = []collector{
	{name: "the worker's own"},
	{name: "`GOGC=100`", settings: []string{"GOGC=100"}},
	{name: "`GOGC=100` `GOMEMLIMIT=128MiB`", settings: []string{"GOGC=100", "GOMEMLIMIT=128MiB"}},
	{name: "`GOGC=off` `GOMEMLIMIT=128MiB`", settings: []string{"GOGC=off", "GOMEMLIMIT=128MiB"}},
}

// collected are the scenarios in which the collectors are compared.
var collected = []string{"in-0-wide", "out-0", "filters-100k"}

// scenario is one of collected with this collector.
func (c collector) scenario(name string) scenario {
	s := scenarioOf(name)
	s.name, s.floors = "gc "+name+" "+c.name, noFloor
	s.settings = append(c.settings, s.settings...)
	return s
}

// collections are all scenarios of all collectors.
func collections() (list []scenario) {
	for _, name := range collected {
		for _, c := range collectors {
			list = append(list, c.scenario(name))
		}
	}
	return list
}

// gcTable compares the collectors, in Markdown; empty if they were not measured.
func gcTable(results []result) string {
	var b strings.Builder
	b.WriteString("| collector | inbound, messages a second (capacity 20,000) | memory, MB | outbound, QoS 0 | memory, MB | 100,000 subscriptions: CPU of 100,000 messages, s | memory, MB | runs | noise |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	measured := false
	for _, c := range collectors {
		runs, noise := 0, 0.0
		fmt.Fprintf(&b, "| %s |", c.name)
		for _, name := range collected {
			first := rate
			if name == "filters-100k" {
				first = cpu
			}
			for _, figure := range []string{first, rss} {
				s := of(results, c.scenario(name).name, "worker", figure)
				runs, noise = max(runs, len(s.values)), max(noise, s.noise)
				fmt.Fprintf(&b, " %s |", s.cell())
			}
		}
		measured = measured || runs > 0
		fmt.Fprintf(&b, " %d | %.0f %% |\n", runs, 100*noise)
	}
	if !measured {
		return ""
	}
	return b.String()
}
