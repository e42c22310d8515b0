package main

import (
	"strings"
	"testing"
)

// quickTurns3 are three turns of each probe in which the floor and the worker did so much.
func quickTurns3(floor, worker [3]float64) [][]turn {
	all := make([][]turn, len(probes))
	for i := range all {
		for j := range floor {
			all[i] = append(all[i], turn{
				worker: map[string]float64{rate: worker[j], cpu: 2}, floor: map[string]float64{rate: floor[j], cpu: 1},
			})
		}
	}
	return all
}

func TestQuickTable(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		floor, worker [3]float64
		want          []string
	}{
		"a quiet machine": {[3]float64{1000, 1010, 990}, [3]float64{950, 960, 940}, []string{
			"| inbound, QoS 0, one member | 950 | 1,000 | 0.95 | 0.95 to 0.95 | at least 0.95 |",
			"| CPU a message, outbound, QoS 1 | 2 | 1 | **2.00** | 2.00 to 2.00 | at most 1.3 |",
			"The machine was quiet: the floor varied by 2 % at most (inbound, QoS 0, one member).",
		}},
		"the floor varies": {[3]float64{1000, 1300, 800}, [3]float64{900, 400, 600}, []string{
			"| outbound, QoS 0 | 600 | 1,000 | **0.75** | 0.31 to 0.90 | at least 0.9 |",
			"NOISY: the floor alone varied by 50 % (inbound, QoS 0, one member).",
		}},
	} {
		got := quickTable(quickTurns3(c.floor, c.worker))
		for _, line := range c.want {
			if !strings.Contains(got, line) {
				t.Errorf("%s: no %q in\n%s", name, line, got)
			}
		}
		if n := strings.Count(got, "\n| "); n != 10 {
			t.Errorf("%s: %d rows", name, n)
		}
	}
}
