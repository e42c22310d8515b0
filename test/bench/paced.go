package main

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// paced measures how long messages take at a fixed rate.
func (r *rig) paced(workers []*exec.Cmd) (map[string]float64, error) {
	f, err := r.newMemberFlow(0)
	if err != nil {
		return nil, err
	}
	defer f.close()
	if err := f.publish(flowRate, time.Second); err != nil {
		return nil, err
	}
	f.wait(settleTimeout, f.allCame)
	first, before := len(f.sent), r.look(workers)
	err = f.publish(flowRate, time.Duration(r.seconds)*time.Second)
	after := r.look(workers)
	return r.accounted(f.flow, first, before, after, err)
}

const (
	// settleTimeout is how long the last messages may take.
	settleTimeout = 30 * time.Second
	// before is for how long a flow goes on before a worker ends, and after for how long
	// then.
	beforeEnd, afterEnd = time.Second, 4 * time.Second
)

// without measures what becomes of messages while a worker ends.
func (r *rig) without(workers []*exec.Cmd, end func()) (map[string]float64, error) {
	f, err := r.newMemberFlow(1)
	if err != nil {
		return nil, err
	}
	defer f.close()
	before := r.look(workers)
	go func() {
		time.Sleep(beforeEnd)
		end()
	}()
	err = f.publish(killRate, beforeEnd+afterEnd)
	after := r.look(workers)
	return r.accounted(f.flow, 0, before, after, err)
}

// accounted waits for the last messages of a flow.
func (r *rig) accounted(f *flow, first int, before, after usage, err error) (map[string]float64, error) {
	if err != nil {
		return nil, err
	}
	f.wait(settleTimeout, f.allCame)
	time.Sleep(lateAfter) // for what comes twice
	f.mu.Lock()
	defer f.mu.Unlock()
	figures := account(f.sent, f.arrivals, first)
	maps.Copy(figures, after.since(before))
	return figures, f.failed
}

// usage is how much CPU was used, in seconds, up to a moment: by the machine, and by each
// process that is measured, or measures.
type usage struct {
	at   time.Time
	all  float64
	ours map[string]float64
}

func (r *rig) look(workers []*exec.Cmd) usage {
	u := usage{at: time.Now(), all: busy(), ours: map[string]float64{}}
	var self syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &self)
	u.ours["self"] = time.Duration(self.Utime.Nano() + self.Stime.Nano()).Seconds()
	for _, w := range workers {
		u.add(strconv.Itoa(w.Process.Pid))
	}
	for _, server := range strings.Split(r.pids, ",") {
		_, pid, _ := strings.Cut(server, "=")
		u.add(pid)
	}
	return u
}

func (u usage) add(pid string) {
	if cpu, ok := cpuOf(pid); ok {
		u.ours[pid] = cpu
	}
}

// since is for how long it was looked, and which share of the machine others took. What a
// process that ended meanwhile did counts as theirs.
func (u usage) since(before usage) map[string]float64 {
	others := u.all - before.all
	for pid, cpu := range u.ours {
		others -= cpu - before.ours[pid]
	}
	secs := u.at.Sub(before.at).Seconds()
	return map[string]float64{"secs": secs, "noise": others / secs / float64(runtime.NumCPU())}
}

// ticks is how many of /proc's units of time a second has.
const ticks = 100

// busy is for how long the processors of the machine have worked.
func busy() float64 {
	text, _ := os.ReadFile("/proc/stat")
	line, _, _ := strings.Cut(string(text), "\n")
	var user, nice, system, idle, waiting, irq, softirq, steal float64
	_, _ = fmt.Sscanf(line, "cpu %f %f %f %f %f %f %f %f", &user, &nice, &system, &idle, &waiting, &irq, &softirq, &steal)
	return (user + nice + system + irq + softirq + steal) / ticks
}

// cpuOf is how much CPU a process has used, if it is there.
func cpuOf(pid string) (seconds float64, ok bool) {
	text, err := os.ReadFile("/proc/" + pid + "/stat")
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if err != nil || len(fields) < 13 {
		return 0, false
	}
	user, _ := strconv.ParseFloat(fields[11], 64)
	system, _ := strconv.ParseFloat(fields[12], 64)
	return (user + system) / ticks, true
}
