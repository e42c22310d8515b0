// Command bench measures the worker against the floor, a bare loop without routing that
// does the cheapest correct thing, and prints the ratios:
//
//	go run ./test/bench                          # everything; takes an hour and a quiet machine
//	go run ./test/bench -rows in-0,out-1 -reps 2 # some rows, quicker
//	go run ./test/bench -print                   # the table of what was measured before
//
// It needs redis-server, redis-cli and mosquitto, and the load generator with the floor, whose
// sources are elsewhere (-ruler). Results are appended to a file, so that rows may be measured
// one after the other.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	var o options
	flag.StringVar(&o.ruler, "ruler", "../shared/bench", "where the sources of load generator and floor are")
	flag.StringVar(&o.out, "out", filepath.Join(os.TempDir(), "chanmqttproxy-bench.jsonl"), "where results are kept")
	flag.IntVar(&o.reps, "reps", 5, "repetitions of each row; medians count")
	flag.Float64Var(&o.noise, "noise", 0.06, "the share of the machine that others may take; above it a run is done again, twice at most")
	only := flag.String("rows", "", "names of rows, a comma list; all by default")
	print := flag.Bool("print", false, "measure nothing")
	flag.Parse()
	if err := bench(o, *only, *print); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func bench(o options, only string, print bool) error {
	chosen := rows
	if only != "" {
		names := strings.Split(only, ",")
		chosen = slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return !slices.Contains(names, r.name) })
	}
	if !print {
		b, err := open(o)
		if err != nil {
			return err
		}
		defer b.close()
		for rep := range o.reps {
			for _, r := range chosen {
				if err := b.measure(r, rep); err != nil {
					return err
				}
			}
		}
	}
	return report(o.out, chosen)
}
