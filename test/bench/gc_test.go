package main

import (
	"strings"
	"testing"
)

func TestGCTable(t *testing.T) {
	t.Parallel()
	if text := gcTable(nil); text != "" {
		t.Errorf("of nothing: %q", text)
	}
	one := func(c collector, scenario string, figures map[string]float64) result {
		return result{Scenario: c.scenario(scenario).name, Who: "worker", Figures: figures}
	}
	text := gcTable([]result{
		one(collectors[0], "in-0-wide", map[string]float64{rate: 150_000, rss: 55}),
		one(collectors[1], "filters-100k", map[string]float64{rate: 40_000, cpu: 2.5, rss: 226}),
	})
	wantLines(t, text,
		"| the worker's own | 150,000 | 55 | - | - | - | - | 1 | 0 % |\n",
		"| `GOGC=100` | - | - | - | - | 2.5 | 226 | 1 | 0 % |\n",
	)
}

// TestCollections: each collector has its settings and those of the scenario.
func TestCollections(t *testing.T) {
	t.Parallel()
	s := collectors[1].scenario("filters-100k")
	if got := strings.Join(s.settings, " "); got != "GOGC=100 MQTT_MAX_SUBSCRIPTIONS=200000" {
		t.Errorf("settings %q", got)
	}
	if n := len(collections()); n != len(collectors)*len(collected) {
		t.Errorf("%d scenarios", n)
	}
}
