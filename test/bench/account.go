package main

import (
	"slices"
	"time"
)

// lateAfter is how long a message takes at least that counts as late.
const lateAfter = 250 * time.Millisecond

// account is what became of those messages whose numbers are not below first.
func account(sent []time.Duration, arrivals []arrival, first int) map[string]float64 {
	came := map[int]bool{}
	last := map[int]int{} // by topic
	var took []time.Duration
	late, twice, reordered := 0, 0, 0
	for _, a := range arrivals {
		switch {
		case a.number < first || a.number >= len(sent):
			continue
		case came[a.number]:
			twice++
			continue
		}
		came[a.number] = true
		if a.number < last[a.number%flowTopics] {
			reordered++
		}
		last[a.number%flowTopics] = a.number
		d := a.at - sent[a.number]
		took = append(took, d)
		if d > lateAfter {
			late++
		}
	}
	slices.Sort(took)
	return map[string]float64{
		"sent": float64(len(sent) - first), "lost_msgs": float64(len(sent) - first - len(took)), "dup": float64(twice),
		"reordered": float64(reordered), "late": float64(late),
		"p50_ms": quantile(took, 0.5), p99: quantile(took, 0.99), "longest_ms": quantile(took, 1),
	}
}

// quantile is one of sorted times, in milliseconds.
func quantile(sorted []time.Duration, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	i := min(int(q*float64(len(sorted))), len(sorted)-1)
	return sorted[i].Seconds() * 1000
}
