package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// result is one measurement: what the load generator said, and of what.
type result struct {
	Scenario string
	Who      string // "worker", or "floor" with its way
	Rep      int
	Noisy    bool
	Figures  map[string]float64
}

// measure measures what the rows need. Worker and floors take turns, so that
// a drift of the machine meets them alike.
func measure(ctx context.Context, o options, chosen []row) error {
	r, err := newRig(ctx, o)
	defer r.close()
	if err != nil {
		return err
	}
	for _, s := range needed(chosen) {
		for rep := range o.reps {
			for _, who := range contestants(s) {
				if err := r.quietly(s, who, rep); err != nil {
					return fmt.Errorf("%s of %s: %w", s.name, who, err)
				}
			}
		}
	}
	return nil
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
func (r *rig) quietly(s scenario, who string, rep int) error {
	for range r.tries {
		res, err := r.once(s, who)
		if err != nil {
			return err
		}
		res.Rep, res.Noisy = rep, res.Figures["noise"] > r.noise
		if err := appendResult(r.out, res); err != nil {
			return err
		}
		f := res.Figures
		fmt.Printf("%-20s %-28s rate=%.0f cpu/100k=%.2f p99=%.2fms rss=%.1fMB lost=%v order=%v noise=%.3f\n",
			s.name, who, f[rate], f[cpu], f[p99], f[rss], f["lost_msgs"], f["reordered"], f["noise"])
		if !res.Noisy {
			break
		}
	}
	return nil
}

// once measures on an emptied Redis and with a fresh program.
func (r *rig) once(s scenario, who string) (result, error) {
	res := result{Scenario: s.name, Who: who}
	if out, err := exec.CommandContext(r.ctx, "redis-cli", "-p", r.redis, "flushall").CombinedOutput(); err != nil {
		return res, fmt.Errorf("emptying Redis: %w: %s", err, out)
	}
	program, err := r.program(s, who)
	if err != nil {
		return res, err
	}
	defer func() { stop(program) }()
	res.Figures, err = r.load(s, program)
	if err == nil && s.restart {
		leave(program)
		if program, err = r.program(s, who); err == nil {
			res.Figures["ready_s"], err = r.ready()
		}
	}
	return res, err
}

// program starts the worker or the floor.
func (r *rig) program(s scenario, who string) (*exec.Cmd, error) {
	cmd := exec.CommandContext(r.ctx, r.worker, "run")
	cmd.Env = append(r.environment(), "PATH="+os.Getenv("PATH"), "LOG_LEVEL=warn", "MQTT_HOST=127.0.0.1", "REDIS_URL=redis://127.0.0.1:"+r.redis)
	if s.restart {
		cmd.Env = append(cmd.Env, "HTTP_LISTEN="+readyAddress)
	}
	if s.capacity > 0 {
		cmd.Env = append(cmd.Env, fmt.Sprintf(`CHANNEL_LAYERS={"default":{"BACKEND":"channels_redis.core.RedisChannelLayer","CONFIG":{"hosts":["redis://127.0.0.1:%s"],"capacity":%d}}}`, r.redis, s.capacity))
		cmd.Env = without(cmd.Env, "REDIS_URL=")
	}
	if way, is := strings.CutPrefix(who, "floor"); is {
		args := append([]string{"-redis", "127.0.0.1:" + r.redis, "-mqtt", "127.0.0.1:" + r.mqtt}, strings.Fields(way)...)
		if s.capacity > 0 {
			args = append(args, "-cap", fmt.Sprint(s.capacity))
		}
		cmd = exec.CommandContext(r.ctx, r.dir+"/floor", args...)
	}
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	return cmd, cmd.Start()
}

func without(env []string, name string) (kept []string) {
	for _, e := range env {
		if !strings.HasPrefix(e, name) {
			kept = append(kept, e)
		}
	}
	return kept
}

// leave has a worker stop in order: the next would else wait for its leases to end, and
// be ready to stand by meanwhile.
func leave(c *exec.Cmd) {
	_ = c.Process.Signal(syscall.SIGTERM)
	_ = c.Wait()
}

func stop(c *exec.Cmd) {
	if c != nil && c.ProcessState == nil {
		_ = c.Process.Kill()
		_ = c.Wait()
	}
}

// load runs the load generator, and returns the figures of its last line.
func (r *rig) load(s scenario, program *exec.Cmd) (map[string]float64, error) {
	args := []string{"-redis", "127.0.0.1:" + r.redis, "-mqtt", "127.0.0.1:" + r.mqtt, "-pids", fmt.Sprintf("worker=%d,%s", program.Process.Pid, r.pids)}
	if s.capacity > 0 {
		args = append(args, "-cap", fmt.Sprint(s.capacity))
	}
	args = append(args, strings.Fields(s.args)...)
	if !s.restart {
		args = append(args, "-dur", fmt.Sprintf("%ds", r.seconds))
	}
	if s.timed {
		args = append(args, "-warm", "1s")
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
