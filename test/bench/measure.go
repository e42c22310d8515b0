package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// result is one measurement: what the load generator said, and of what.
type result struct {
	Scenario string
	Who      string // "worker", or "floor" with its way
	Rep      int
	Noisy    bool
	Limited  bool // both had one processor and little memory
	Figures  map[string]float64
}

// measure measures what the rows need. Worker and floors take turns, so that
// a drift of the machine meets them alike.
func measure(ctx context.Context, o options, chosen choice) error {
	if o.limited {
		chosen = choice{rows: limitedRows(chosen.rows)}
	}
	r, err := newRig(ctx, o)
	defer r.close()
	if err != nil {
		return err
	}
	for _, s := range needed(chosen.rows) {
		for rep := range o.reps {
			for _, who := range contestants(s) {
				if err := r.quietly(s.name, who, rep, func() (map[string]float64, error) { return r.once(s, who) }); err != nil {
					return fmt.Errorf("%s of %s: %w", s.name, who, err)
				}
			}
		}
	}
	for rep := range o.reps {
		for _, s := range chosen.collections {
			if err := r.quietly(s.name, "worker", rep, func() (map[string]float64, error) { return r.once(s, "worker") }); err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
		}
		for _, f := range chosen.fleets {
			if err := r.quietly(f.name, "worker", rep, func() (map[string]float64, error) { return r.fleet(f) }); err != nil {
				return fmt.Errorf("%s: %w", f.name, err)
			}
		}
	}
	return r.measurePages(chosen.pages)
}

// needed are the scenarios of some rows, each once.
func needed(chosen []row) (list []scenario) {
	want := map[string]bool{}
	for _, r := range chosen {
		want[r.scenario], want[r.against] = true, true
	}
	for _, s := range scenarios {
		if want[s.name] {
			list = append(list, s)
		}
	}
	return list
}

func contestants(s scenario) []string {
	list := []string{"worker"}
	for _, way := range s.floors {
		list = append(list, strings.TrimSpace("floor "+way))
	}
	return list
}

// quietly measures until nobody else took much of the machine.
func (r *rig) quietly(name, who string, rep int, once func() (map[string]float64, error)) error {
	for range r.tries {
		f, err := once()
		if err != nil {
			return err
		}
		f["processors"] = float64(runtime.NumCPU())
		res := result{Scenario: name, Who: who, Rep: rep, Noisy: f["noise"] > r.noise, Limited: r.limited, Figures: f}
		if err := appendResult(r.out, res); err != nil {
			return err
		}
		fmt.Printf("%-20s %-28s rate=%.0f cpu/100k=%.2f p99=%.2fms rss=%.1fMB lost=%v order=%v noise=%.3f\n",
			name, who, f[rate], f[cpu], f[p99], f[rss], f["lost_msgs"], f["reordered"], f["noise"])
		if !res.Noisy {
			break
		}
	}
	return nil
}

// once measures on an emptied Redis and with a fresh program.
func (r *rig) once(s scenario, who string) (map[string]float64, error) {
	if err := r.empty(); err != nil {
		return nil, err
	}
	if s.parallel > 0 {
		return r.toolkit(s, who)
	}
	if s.restart && who != "worker" {
		return r.subscribeAlone()
	}
	program, err := r.program(s, who)
	if err != nil {
		return nil, err
	}
	defer func() { stop(program) }()
	figures, err := r.load(s, program)
	if err == nil && s.restart {
		leave(program)
		if program, err = r.program(s, who); err == nil {
			figures["ready_s"], err = r.ready()
		}
	}
	return figures, err
}

// empty empties Redis.
func (r *rig) empty() error {
	if out, err := exec.CommandContext(r.ctx, "redis-cli", "-p", r.redis, "flushall").CombinedOutput(); err != nil {
		return fmt.Errorf("emptying Redis: %w: %s", err, out)
	}
	return nil
}

// load runs the load generator, and returns the figures of its last line.
func (r *rig) load(s scenario, programs ...*exec.Cmd) (map[string]float64, error) {
	pids := r.pids
	for i, p := range programs {
		pids = fmt.Sprintf("%s=%d,%s", workerName(i), p.Process.Pid, pids)
	}
	args := []string{"-redis", "127.0.0.1:" + r.redis, "-mqtt", "127.0.0.1:" + r.mqtt, "-pids", pids}
	if s.capacity > 0 {
		args = append(args, "-cap", fmt.Sprint(s.capacity))
	}
	args = append(args, strings.Fields(s.args)...)
	if !s.restart {
		args = append(args, "-dur", fmt.Sprintf("%ds", r.seconds))
	}
	if s.timed {
		args = append(args, "-warm", r.warm)
	}
	if s.name == "idle" {
		time.Sleep(time.Second)
	}
	cmd := exec.CommandContext(r.ctx, r.dir+"/load", args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", s.args, err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	var all map[string]any
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &all); err != nil {
		return nil, fmt.Errorf("what load says: %w", err)
	}
	figures := map[string]float64{}
	for name, v := range all {
		if f, ok := v.(float64); ok {
			figures[name] = f
		}
	}
	return figures, nil
}
