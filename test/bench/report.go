package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
)

// runs are the results by row and label.
type runs map[string]map[string][]result

// report prints the table of what a file holds.
func report(file string, chosen []row) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	all := runs{}
	for line := range bytes.Lines(content) {
		var r result
		if err := json.Unmarshal(line, &r); err != nil {
			return fmt.Errorf("reading %s: %w", file, err)
		}
		name, label := fmt.Sprint(r["row"]), fmt.Sprint(r["label"])
		if all[name] == nil {
			all[name] = map[string][]result{}
		}
		all[name][label] = append(all[name][label], r)
	}
	fmt.Println("\n| | worker | floor | ratio | is to be | runs, noise |\n|---|---|---|---|---|---|")
	for _, r := range chosen {
		if all[r.name] != nil {
			fmt.Println(all.line(r))
		}
	}
	return nil
}

// line is one row of the table.
func (all runs) line(r row) string {
	own, count, noise := all.median(r.name, "worker", r.metric)
	cells := []string{r.what, figure(own) + " " + r.unit, "", "", "", fmt.Sprintf("%d, %.2f", count, noise)}
	reference, floor := 0.0, ""
	for label := range all[r.name] {
		if v, _, _ := all.median(r.name, label, r.metric); label != "worker" && (reference == 0 || r.atMost == (v < reference)) {
			reference, floor = v, label
		}
	}
	if r.against != "" {
		reference, _, _ = all.median(r.against, "worker", r.metric)
		floor = "worker"
	}
	bound := map[bool]string{true: "≤", false: "≥"}[r.atMost]
	switch {
	case reference > 0:
		cells[2] = figure(reference) + " (" + strings.TrimPrefix(floor, "floor ") + ")"
		cells[3] = fmt.Sprintf("%.2f", own/reference)
		cells[4] = fmt.Sprintf("%s %.2f", bound, r.target)
	case r.target > 0:
		cells[4] = fmt.Sprintf("%s %g %s", bound, r.target, r.unit)
	}
	return "| " + strings.Join(cells, " | ") + " |"
}

// median is that of the runs that were quiet, or of all if none was; with their number
// and the most noise.
func (all runs) median(name, label, metric string) (value float64, count int, noise float64) {
	var quiet, any []float64
	for _, r := range all[name][label] {
		v, _ := r[metric].(float64)
		any = append(any, v)
		if r["noisy"] != true {
			quiet = append(quiet, v)
			n, _ := r["noise"].(float64)
			noise = max(noise, n)
		}
	}
	if len(quiet) == 0 {
		quiet = any
	}
	if len(quiet) == 0 {
		return 0, 0, 0
	}
	slices.Sort(quiet)
	return quiet[len(quiet)/2], len(quiet), noise
}

// figure writes a number with four digits.
func figure(v float64) string {
	switch {
	case v >= 1000:
		return fmt.Sprintf("%d,%03d", int(v)/1000, int(v)%1000)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}
