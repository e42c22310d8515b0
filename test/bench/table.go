package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
)

func appendResult(file string, r result) error {
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	return json.NewEncoder(f).Encode(r)
}

func readResults(file string) (list []result, err error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r result
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return nil, fmt.Errorf("reading %s: %w", file, err)
		}
		list = append(list, r)
	}
	return list, lines.Err()
}

// table is the rows for which there are results, in Markdown.
func table(chosen []row, results []result) string {
	var b strings.Builder
	b.WriteString("| | worker | compared with | ratio | aim | runs | noise |\n|---|--:|--:|--:|---|--:|--:|\n")
	for _, r := range chosen {
		b.WriteString(r.line(results))
	}
	return b.String()
}

func (r row) line(results []result) string {
	c, measured := r.cells(results)
	if !measured {
		return ""
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %s | %d | %.0f %% |\n", r.what, c.worker, c.compared(), c.ratio, r.target, c.runs, 100*c.noise)
}

// cells are what the tables say of a row.
type cells struct {
	worker    string
	base, way string // what the worker is compared with, and whose it is
	ratio     string // or the figure, where that has an aim; bold where it misses its aim
	alone     bool   // the worker's figure has an aim itself
	runs      int
	noise     float64
}

func (c cells) compared() string { return strings.TrimSpace(c.base + " " + c.way) }

// cells are those of a row, if it was measured.
func (r row) cells(results []result) (c cells, measured bool) {
	mine := of(results, r.scenario, "worker", r.figure)
	if len(mine.values) == 0 {
		return c, false
	}
	c = cells{worker: number(mine.median()), base: "-", runs: len(mine.values), noise: mine.noise}
	value, base := mine.median(), 0.0
	switch other, way := r.base(results); {
	case r.against != "" && len(other.values) == 0:
		return c, false
	case r.divide > 0:
		value = (value - other.median()) * 1024 / r.divide / 1000
		c.base, c.way = number(other.median()), "idle"
	case len(other.values) > 0:
		base = other.median()
		c.base, c.way = number(base), wayName(way)
	}
	c.alone = base == 0 || r.target.unit != "" // what has a unit only stands beside the other
	compare := value
	c.ratio = number(value) + r.target.unit
	if !c.alone {
		compare = value / base
		c.ratio = fmt.Sprintf("%.2f", compare)
	}
	if !r.target.met(compare) {
		c.ratio = "**" + c.ratio + "**"
	}
	return c, true
}

// mosquittoAlone is whose time is beside that of a start.
const mosquittoAlone = "(mosquitto alone)"

// wayName is what a way of the floor is called in documents.
func wayName(way string) string {
	name, is := map[string]string{
		"floor -batch 64": "(64 a call)", "floor -mode client": "(two trips)", "floor -mode client -depth 2000": "(2,000 deep)",
		"floor SUBSCRIBE alone": mosquittoAlone,
	}[way]
	if !is {
		return strings.TrimSpace(strings.TrimPrefix(way, "floor"))
	}
	return name
}

// base is what the row's figure is compared with, and whose it is: the row's way of the
// floor, or the best, or the worker elsewhere.
func (r row) base(results []result) (best sample, way string) {
	if r.against != "" {
		return of(results, r.against, "worker", r.figure), ""
	}
	for _, who := range contestants(scenarioOf(r.scenario))[1:] {
		s := of(results, r.scenario, who, r.figure)
		if len(s.values) == 0 || r.way != "" && who != "floor "+r.way {
			continue
		}
		if len(best.values) == 0 || r.target.most == (s.median() < best.median()) {
			best, way = s, who
		}
	}
	return best, way
}

func scenarioOf(name string) scenario {
	i := slices.IndexFunc(scenarios, func(s scenario) bool { return s.name == name })
	return scenarios[i]
}

// sample is a figure as it was measured several times.
type sample struct {
	values []float64
	noise  float64 // the most
}

// of is the sample of one figure. Noisy measurements are left out where there are
// others; those with limits have a table of their own.
func of(results []result, scenario, who, figure string) sample {
	var quiet, all sample
	for _, r := range results {
		value, ok := r.Figures[figure]
		if !ok || r.Limited || r.Scenario != scenario || r.Who != who {
			continue
		}
		all.add(value, r.Figures["noise"])
		if !r.Noisy {
			quiet.add(value, r.Figures["noise"])
		}
	}
	if len(quiet.values) > 0 {
		return quiet
	}
	return all
}

func (s *sample) add(value, noise float64) {
	s.values = append(s.values, value)
	s.noise = max(s.noise, noise)
}

func (s sample) median() float64 {
	if len(s.values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s.values))
	return (sorted[len(sorted)/2] + sorted[(len(sorted)-1)/2]) / 2
}

// number is a figure in three digits, as a person reads it.
func number(f float64) string {
	if f < 999.5 {
		return fmt.Sprintf("%.3g", f)
	}
	whole := fmt.Sprintf("%.0f", f)
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	return whole
}

// cell is the median, if anything was measured.
func (s sample) cell() string {
	if len(s.values) == 0 {
		return "-"
	}
	return number(s.median())
}

// most is the largest value.
func (s sample) most() float64 {
	if len(s.values) == 0 {
		return 0
	}
	return slices.Max(s.values)
}

// total is the sum of a figure of the worker in all runs, the noisy ones too.
func total(results []result, scenario, figure string) (sum float64) {
	for _, r := range results {
		if !r.Limited && r.Scenario == scenario && r.Who == "worker" {
			sum += r.Figures[figure]
		}
	}
	return sum
}
