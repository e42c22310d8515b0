package main

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

func TestLimitsTable(t *testing.T) {
	t.Parallel()
	one := func(who string, limited bool, figures map[string]float64) result {
		return result{Scenario: "out-1", Who: who, Limited: limited, Figures: figures}
	}
	results := []result{
		one("worker", false, map[string]float64{rate: 5000, cpu: 1}), one("floor", false, map[string]float64{rate: 5000, cpu: 1}),
	}
	if text := limitsTable(results); text != "" {
		t.Errorf("of what was measured without limits: %q", text)
	}
	results = append(results,
		one("worker", true, map[string]float64{rate: 700, cpu: 3, rss: 40, "lost": 2, "dup": 1}), one("floor", true, map[string]float64{rate: 1000, cpu: 2.5, "lost": 5}),
		result{Scenario: "in-0", Who: "worker", Limited: true, Figures: map[string]float64{rate: 900, "reordered": 3}},
		result{Scenario: "filters-1k", Who: "worker", Limited: true, Figures: map[string]float64{rate: 900, "reordered": 50}},
		result{Scenario: "in-0", Who: "floor -mode client", Limited: true, Figures: map[string]float64{rate: 1000}},
	)
	text := limitsTable(results)
	wantLines(t, text,
		"| outbound, QoS 1 | 700 | 1,000 | **0.70** | at least 0.8 | 1 | 0 % |\n",
		"| inbound, QoS 0, one member | 900 | 1,000 (two trips) | 0.90 | at least 0.8 | 1 | 0 % |\n",
		"| CPU of 100,000 messages outbound, QoS 1, s | 3 | 2.5 | 1.20 | at most 1.25 | 1 | 0 % |\n",
		"\nOf the worker's messages 2 were lost and 1 came twice. In the rows with one topic 3 came out of order.\nThe worker took up to 40 MB.\n",
	)
	if line := "| outbound, QoS 1 | 5,000 | 5,000 | 1.00 |"; !strings.Contains(table(rows, results), line) {
		t.Errorf("without limits no %q in\n%s", line, table(rows, results))
	}
}

// TestLimitedRows: those of many filters, of Python, and of memory are not measured.
func TestLimitedRows(t *testing.T) {
	t.Parallel()
	limited := func(name string) bool {
		return slices.ContainsFunc(limitedRows(rows), func(r row) bool { return r.name == name })
	}
	for name, want := range map[string]bool{"in-0": true, "members-1000": true, "latency-out": true, "filters-1k": true, "filters": false, "idle": false, "start-100k": false, "view-1": false} {
		if limited(name) != want {
			t.Errorf("%s is measured with limits: %v", name, !want)
		}
	}
}

// TestLaunch: the limits are added to a program's own environment.
func TestLaunch(t *testing.T) {
	t.Parallel()
	shows := exec.Command("sh", "-c", `test "$GOMAXPROCS $GOMEMLIMIT $MORE" = "1 64MiB yes"`)
	shows.Env = append(os.Environ(), "MORE=yes")
	r := &rig{options: options{limited: true}}
	cmd, err := r.launch(shows)
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the program has %q: %v", cmd.Env, err)
	}
}
