package main

import "fmt"

// limits are what worker and floor get with -limits: both are Go programs.
var limits = []string{"GOMAXPROCS=1", "GOMEMLIMIT=64MiB"}

// limitedShare is how much of the floor's speed the worker is to have at least with limits.
const limitedShare = 0.8

// limitedFilters is up to how many filters is measured with limits.
const limitedFilters = 1000

// limitedRows are those of some rows that compare the worker with the floor, or with itself,
// with the aim that they have with limits.
func limitedRows(chosen []row) (list []row) {
	for _, r := range chosen {
		if s := scenarioOf(r.scenario); s.filters > limitedFilters || s.restart || s.parallel > 0 || r.target.unit != "" {
			continue
		}
		if r.target.most {
			r.target = atMost(1/limitedShare, "")
		} else {
			r.target = atLeast(limitedShare)
		}
		list = append(list, r)
	}
	return list
}

// limitsTable is what was measured with limits, in Markdown; empty if nothing was.
func limitsTable(results []result) string {
	var with []result
	for _, r := range results {
		if r.Limited {
			r.Limited = false
			with = append(with, r)
		}
	}
	if len(with) == 0 {
		return ""
	}
	chosen, memory := limitedRows(rows), 0.0
	for _, s := range needed(chosen) {
		memory = max(memory, of(with, s.name, "worker", rss).most())
	}
	return table(chosen, with) + faults(chosen, with) + fmt.Sprintf("The worker took up to %s MB.\n", number(memory))
}
