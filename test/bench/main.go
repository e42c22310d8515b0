// Command bench measures the worker beside a bare loop that does the least that
// is correct (the floor), on redis-server and mosquitto of its own, and prints
// the ratios:
//
//	go run ./test/bench                     all rows, five times each: an hour
//	go run ./test/bench -rows in-1,out-1 -reps 2
//	go run ./test/bench -quick              in a minute: has it become slower?
//	go run ./test/bench -peers -reps 1      beside what else a site can use: six minutes
//	go run ./test/bench -rows websocket     from a device to a browser
//	go run ./test/bench -limits -reps 1     with one processor and 64 MiB: six minutes
//	go run ./test/bench -list               the rows and what each is to reach
//	go run ./test/bench -rows slots,slotlat,rate,failover,handover
//	                                        several sessions and workers
//	go run ./test/bench -summary            the tables of what was measured so far
//	go run ./test/bench -summary -into 'README.md test/README.md runtime/slots/README.md'
//	                                        and writes them there
//
// The results are appended to a file, one JSON line for each measurement, so that
// the rows can be measured in several calls: the table is that of the whole file.
//
// Floor and load generator are programs of a folder beside the checkout, or of
// the one that -ruler or BENCH_RULER names. Only ratios of one run on a quiet
// machine mean anything; what other processes took meanwhile is the table's last
// column.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
)

// options are the command's flags.
type options struct {
	ruler   string
	out     string
	reps    int
	tries   int
	seconds int
	warm    string
	noise   float64
	worker  string
	limited bool
}

func main() {
	var o options
	flag.StringVar(&o.ruler, "ruler", cmp.Or(os.Getenv("BENCH_RULER"), "../shared/bench"), "folder with the floor and the load generator")
	flag.StringVar(&o.out, "out", "/tmp/chanmqttproxy-bench.jsonl", "file to which the results are appended")
	flag.IntVar(&o.reps, "reps", 5, "how often each is measured")
	flag.IntVar(&o.tries, "tries", 3, "how often a measurement is made at most while the machine is not quiet")
	flag.IntVar(&o.seconds, "seconds", 5, "length of one measurement")
	flag.Float64Var(&o.noise, "noise", 0.06, "share of the machine that others may take")
	o.warm = "1s"
	flag.StringVar(&o.worker, "worker", "", "program to measure (default: the one of this checkout)")
	only := flag.String("rows", "", "comma list of rows, or of their beginnings (default: all)")
	glance := flag.Bool("quick", false, "print ten ratios, with what they were in each of three turns of a second")
	beside := flag.Bool("peers", false, "measure the worker beside what else a site can use, instead of rows; with -rows, those whose names begin so")
	flag.BoolVar(&o.limited, "limits", false, "measure the rows of up to 1,000 filters with "+strings.Join(limits, " ")+", for worker and floor")
	list := flag.Bool("list", false, "print the rows and measure nothing")
	summary := flag.Bool("summary", false, "print the table and measure nothing")
	into := flag.String("into", "", "files whose generated tables, between <!-- bench NAME --> and <!-- /bench NAME -->, are written anew from the results, with spaces between them")
	flag.Parse()
	chosen := choose(*only)
	switch {
	case *list:
		for _, r := range chosen.rows {
			fmt.Printf("%-16s %s, %s\n", r.name, r.what, r.target)
		}
		for _, f := range chosen.fleets {
			fmt.Printf("%-16s %s\n", f.name, f)
		}
		for _, p := range chosen.pages {
			fmt.Printf("%-16s %s\n", p.name, p)
		}
		if len(chosen.collections) > 0 {
			fmt.Printf("%-16s garbage collectors\n", "gc")
		}
		return
	case *glance:
		ctx, stop := interruptible()
		defer stop()
		text, err := quick(ctx, o)
		exitOn(err)
		fmt.Print(text)
		return
	case *beside:
		ctx, stop := interruptible()
		defer stop()
		exitOn(measurePeers(ctx, o, *only))
	case !*summary:
		ctx, stop := interruptible()
		defer stop()
		exitOn(measure(ctx, o, chosen))
	}
	results, err := readResults(o.out)
	exitOn(err)
	fmt.Print(table(chosen.rows, results))
	for _, b := range blocks {
		fmt.Printf("\n%s\n%s", b.name, b.text(results))
	}
	for _, path := range strings.Fields(*into) {
		exitOn(fill(path, results))
	}
}

func interruptible() (context.Context, func()) {
	return signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// choice is what is to be measured, or to be reported.
type choice struct {
	rows        []row
	fleets      []fleet
	pages       []page
	collections []scenario
}

// choose are the rows whose names begin so.
func choose(only string) (c choice) {
	for _, r := range rows {
		if begins(r.name, only) {
			c.rows = append(c.rows, r)
		}
	}
	for _, f := range fleets {
		if begins(f.name, only) {
			c.fleets = append(c.fleets, f)
		}
	}
	for _, p := range pages {
		if begins(p.name, only) {
			c.pages = append(c.pages, p)
		}
	}
	if begins("gc", only) {
		c.collections = collections()
	}
	return c
}

// begins says whether a name begins with one of a list's; with an empty list it does.
func begins(name, list string) bool {
	begins := func(beginning string) bool { return beginning != "" && strings.HasPrefix(name, beginning) }
	return list == "" || slices.ContainsFunc(strings.Split(list, ","), begins)
}
