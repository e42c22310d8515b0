package main

import (
	"strings"
	"testing"
)

func TestSpeedTables(t *testing.T) {
	t.Parallel()
	if long, short := speedTable(nil), shortSpeedTable(nil); long != "" || short != "" {
		t.Errorf("of nothing: %q and %q", long, short)
	}
	results := []result{
		{Scenario: "out-0", Who: "worker", Figures: map[string]float64{rate: 800}},
		{Scenario: "in-0", Who: "worker", Figures: map[string]float64{rate: 800}},
		{Scenario: "in-0", Who: "floor -mode client", Figures: map[string]float64{rate: 1000}},
		{Scenario: "out-0", Who: "floor", Figures: map[string]float64{rate: 1000}},
		{Scenario: "filters-100k", Who: "worker", Figures: map[string]float64{rss: 140}},
		{Scenario: "view-1", Who: "worker", Figures: map[string]float64{rate: 300}},
	}
	long, short := speedTable(results), shortSpeedTable(results)
	wantLines(t, long, "| outbound, QoS 0 | 800 | 1,000 | **0.80** | at least 0.9 | 1 | 0 % |\n")
	wantLines(t, short,
		"| outbound, QoS 0 | 800 | 1,000 | **0.80** |\n",
		"| inbound, QoS 0 | 800 | 1,000 | **0.80** |\n",
		"| memory with 100,000 subscriptions at work, MB | 140 | - |  |\n",
	)
	if strings.Contains(long, "view") {
		t.Errorf("Python's rows have a table of their own:\n%s", long)
	}
}

// wantLines checks that a table has these lines.
func wantLines(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains(text, line) {
			t.Errorf("no %q in\n%s", line, text)
		}
	}
}
