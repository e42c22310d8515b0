package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// The quick look is for a developer who has changed something: in a minute it says whether
// the worker became slower beside the floor. Each scenario takes a second, three times.

// A probe is a scenario with the one way of the floor that is the best there. It gives two
// ratios: of messages a second, and of the CPU that a message takes.
type probe struct{ scenario, way string }

var probes = []probe{{"in-0", "-batch 64"}, {"in-1", "-mode client"}, {"members-100", "-mode client"}, {"out-0", ""}, {"out-1", ""}}

const (
	quickTurns = 3
	quickWarm  = "300ms"
	// quietSpread is by how much the floor may vary, between its least and its most, on a
	// machine that is quiet.
	quietSpread = 0.15
)

// turn is one measurement of both, one after the other.
type turn struct{ worker, floor map[string]float64 }

// quick measures all probes, in turns, so that a drift of the machine meets them alike.
func quick(ctx context.Context, o options) (string, error) {
	o.seconds, o.warm = 1, quickWarm
	r, err := newRig(ctx, o)
	defer r.close()
	if err != nil {
		return "", err
	}
	turns := make([][]turn, len(probes))
	for range quickTurns {
		for i, p := range probes {
			var t turn
			if t.worker, err = r.once(scenarioOf(p.scenario), "worker"); err == nil {
				t.floor, err = r.once(scenarioOf(p.scenario), strings.TrimSpace("floor "+p.way))
			}
			if err != nil {
				return "", fmt.Errorf("%s: %w", p.scenario, err)
			}
			turns[i] = append(turns[i], t)
		}
	}
	return quickTable(turns), nil
}

// quickTable is what the turns of each probe say.
func quickTable(turns [][]turn) string {
	var b strings.Builder
	b.WriteString("| row | worker | floor | ratio | of the turns | aim |\n|---|--:|--:|--:|---|---|\n")
	worst, of := 0.0, ""
	for i, p := range probes {
		for _, r := range quickRows(p.scenario) {
			q := quickLook(turns[i], r.figure)
			ratio := fmt.Sprintf("%.2f", q.ratio)
			if !r.target.met(q.ratio) {
				ratio = "**" + ratio + "**"
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %.2f to %.2f | %s |\n", r.what, number(q.worker), number(q.floor), ratio, q.least, q.most, r.target)
			if q.spread > worst {
				worst, of = q.spread, r.what
			}
		}
	}
	if worst > quietSpread {
		fmt.Fprintf(&b, "\nNOISY: the floor alone varied by %.0f %% (%s). These ratios say nothing: try again while nothing else runs.\n", 100*worst, of)
	} else {
		fmt.Fprintf(&b, "\nThe machine was quiet: the floor varied by %.0f %% at most (%s).\n", 100*worst, of)
	}
	return b.String()
}

// quickRows are the two ratios of a scenario, with the targets of the rows of the table.
func quickRows(scenario string) []row {
	i := slices.IndexFunc(rows, func(r row) bool { return r.scenario == scenario && r.figure == rate })
	first, second := rows[i], rows[i]
	second.what, second.figure, second.target = "CPU a message, "+first.what, cpu, atMost(1.3, "")
	return []row{first, second}
}

// look is what the turns say of one figure: medians, the ratios of single turns, and by how
// much the floor varied, as a part of its median.
type look struct{ worker, floor, ratio, least, most, spread float64 }

func quickLook(turns []turn, figure string) look {
	var worker, floor, ratios sample
	for _, t := range turns {
		worker.add(t.worker[figure], 0)
		floor.add(t.floor[figure], 0)
		ratios.add(t.worker[figure]/t.floor[figure], 0)
	}
	return look{
		worker: worker.median(), floor: floor.median(), ratio: ratios.median(),
		least: slices.Min(ratios.values), most: ratios.most(),
		spread: (floor.most() - slices.Min(floor.values)) / floor.median(),
	}
}
