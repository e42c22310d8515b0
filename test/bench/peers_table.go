package main

import (
	"fmt"
	"strings"
)

// A peerRow is a line of the table of the peers.
type peerRow struct {
	what, scenario, figure string
	factor                 float64 // from the result's unit to the table's
	short                  bool    // it is in the short table too
	never                  bool    // no figure means that it has not happened in untilWhole
}

var peerRows = []peerRow{
	{what: "messages a second in", scenario: "peers-in", figure: rate, factor: 1, short: true},
	{what: "messages a second out", scenario: "peers-out", figure: rate, factor: 1, short: true},
	{what: "out of 5,000 in at once: lost", scenario: "peers-burst", figure: "lost_msgs", factor: 1, short: true},
	{what: "the same: out of order", scenario: "peers-burst", figure: "reordered", factor: 1, short: true},
	{what: "99th percentile of the latency in, 200 a second, ms", scenario: "peers-latency", figure: p99, factor: 1},
	{what: "CPU for a message in, µs", scenario: "peers-in", figure: cpu, factor: 10},
	{what: "CPU for a message out, µs", scenario: "peers-out", figure: cpu, factor: 10},
	{what: "memory while messages come in, MB", scenario: "peers-in", figure: rss, factor: 1},
	{what: "after a restart of the broker: seconds until messages come", scenario: "peers-restart", figure: "whole_s", factor: 1, short: true, never: true},
	{what: "the same, 200 a second: lost", scenario: "peers-restart", figure: "lost_msgs", factor: 1, short: true},
}

// peersTable is what was measured of the peers, in Markdown; empty if nothing was.
func peersTable(results []result) string {
	text := peerLines(results, false)
	if text == "" {
		return ""
	}
	runs, noise := 0, 0.0
	for _, p := range peers {
		s := of(results, "peers-in", p.name, rate)
		runs, noise = max(runs, len(s.values)), max(noise, s.noise)
	}
	return text + fmt.Sprintf("\nRuns: up to %d. While messages came in, other programs took %.0f %% of the machine at most.\n", runs, 100*noise)
}

func shortPeersTable(results []result) string { return peerLines(results, true) }

// peerLines are the rows, or the short table's.
func peerLines(results []result, short bool) string {
	var b strings.Builder
	for _, r := range peerRows {
		if short && !r.short {
			continue
		}
		fmt.Fprintf(&b, "| %s |", r.what)
		for _, p := range peers {
			fmt.Fprintf(&b, " %s |", r.cell(results, p.name))
		}
		b.WriteString("\n")
	}
	if len(of(results, "peers-in", "worker", rate).values) == 0 {
		return ""
	}
	head, line := "| |", "|---|"
	for _, p := range peers {
		head, line = head+" "+p.name+" |", line+"--:|"
	}
	return head + "\n" + line + "\n" + b.String()
}

// cell is the middle of what was measured of one peer, or why there is nothing.
func (r peerRow) cell(results []result, who string) string {
	s := of(results, r.scenario, who, r.figure)
	switch {
	case len(s.values) > 0:
		return number(s.median() * r.factor)
	case r.never && len(of(results, r.scenario, who, "sent").values) > 0:
		return fmt.Sprintf("not in %.0f", untilWhole.Seconds())
	default:
		return "-"
	}
}
