package main

import (
	"fmt"
	"strings"
)

// A pageLine is a line of the table of the pages. Those of the latency are of the paced pages.
type pageLine struct {
	what  string
	paced bool
	cell  func(results []result, scenario string) string
}

var pageLines = []pageLine{
	{fmt.Sprintf("latency at %d messages a second: median, ms", pageRate), true, median("p50_ms", number)},
	{"the same: 99th percentile, ms", true, median(p99, number)},
	{"messages a second at most", false, median(rate, number)},
	{"messages in a frame then", false, median("per_frame", number)},
	{"what was full then", false, func(results []result, scenario string) string { return measured(results, scenario).limit() }},
	{"CPU for a message then, µs: Daphne", false, cpuOfPart(func(s shares) float64 { return s.daphne })},
	{"the same: the worker", false, cpuOfPart(func(s shares) float64 { return s.worker })},
	{"the same: Redis", false, cpuOfPart(func(s shares) float64 { return s.redis })},
	{"the same: the broker", false, cpuOfPart(func(s shares) float64 { return s.broker })},
}

// median is a cell with the middle of a figure.
func median(figure string, text func(float64) string) func([]result, string) string {
	return func(results []result, scenario string) string {
		return text(of(results, scenario, "worker", figure).median())
	}
}

// cpuOfPart is a cell with the CPU that a message takes in one part, in microseconds.
func cpuOfPart(share func(shares) float64) func([]result, string) string {
	return func(results []result, scenario string) string {
		s := measured(results, scenario)
		return number(s.per100k(share(s)) * 10)
	}
}

// pagesTable is what was measured from the device to the WebSocket, in Markdown; empty if
// nothing was.
func pagesTable(results []result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| | one message an event | `batch` %d |\n|---|--:|--:|\n", pageBatch)
	for _, line := range pageLines {
		fmt.Fprintf(&b, "| %s |", line.what)
		for _, batch := range []int{1, pageBatch} {
			cell := "-"
			for _, p := range pages {
				if p.batch == batch && p.paced == line.paced && isMeasured(results, p) {
					cell = line.cell(results, p.name)
				}
			}
			fmt.Fprintf(&b, " %s |", cell)
		}
		b.WriteString("\n")
	}
	runs, noise, sent, lost, twice, reordered := 0, 0.0, 0.0, 0.0, 0.0, 0.0
	for _, p := range pages {
		s := of(results, p.name, "worker", rate)
		runs, noise = max(runs, len(s.values)), max(noise, s.noise)
		sent += total(results, p.name, "sent")
		lost += total(results, p.name, "lost_msgs")
		twice += total(results, p.name, "dup")
		reordered += total(results, p.name, "reordered")
	}
	if runs == 0 {
		return ""
	}
	fmt.Fprintf(&b, "\nOf %s messages %s were lost, %s came twice and %s out of order. Runs: up to %d. Other programs took %.0f %% of the machine at most.\n",
		number(sent), number(lost), number(twice), number(reordered), runs, 100*noise)
	return b.String()
}

func isMeasured(results []result, p page) bool {
	return len(of(results, p.name, "worker", rate).values) > 0
}
