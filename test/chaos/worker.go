package chaos

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"chanmqttproxy/test/kit"
)

// Worker is the program under test through all its lives.
type Worker struct {
	t     testing.TB
	env   []string
	older string // the commit of the program, if it is not the present one

	mu     sync.Mutex
	live   *kit.WorkerProcess
	lives  []life // the present one last
	totals map[string]int64
}

// life is one process of the program.
type life struct {
	*kit.WorkerProcess
	end    time.Time // zero: it runs
	killed bool
}

// NewWorker starts the program with an environment.
func NewWorker(t testing.TB, env []string) *Worker { return newWorker(t, env, "") }

func newWorker(t testing.TB, env []string, older string) *Worker {
	t.Helper()
	w := &Worker{t: t, env: env, older: older, totals: map[string]int64{}}
	w.Start()
	return w
}

// Start starts the program.
func (w *Worker) Start() {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.older == "" {
		w.live = kit.Worker(w.t, w.env, "run")
	} else {
		w.live = kit.OlderWorker(w.t, w.older, w.env, "run")
	}
	w.lives = append(w.lives, life{WorkerProcess: w.live})
}

// Set changes one variable of the environment, from the next life on.
func (w *Worker) Set(variable string) {
	name, _, _ := strings.Cut(variable, "=")
	w.env = slices.DeleteFunc(w.env, func(v string) bool { return strings.HasPrefix(v, name+"=") })
	w.env = append(w.env, variable)
}

// Be makes the worker the program of a commit, from the next life on; "" is the present one.
func (w *Worker) Be(commit string) { w.older = commit }

// Freeze stops the program without ending it, until Thaw.
func (w *Worker) Freeze() { w.process().Signal(syscall.SIGSTOP) }

// Thaw undoes Freeze.
func (w *Worker) Thaw() { w.process().Signal(syscall.SIGCONT) }

// ended notes that the present life is over.
func (w *Worker) ended(killed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := &w.lives[len(w.lives)-1]
	l.end, l.killed = time.Now(), killed
}

// process is the present life.
func (w *Worker) process() *kit.WorkerProcess {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.live
}

// Kill ends the program with SIGKILL.
func (w *Worker) Kill() {
	p := w.process()
	p.Kill()
	w.ended(true)
	w.inspect(p)
}

// Stop ends the program with SIGTERM and keeps what it counted.
func (w *Worker) Stop() {
	w.t.Helper()
	p := w.process()
	kit.Eventually(w.t, 20*time.Second, "the worker starts", func() bool { return strings.Contains(p.Output(), "msg=starting ") }) // and minds signals
	p.Stop()
	w.ended(false)
	w.inspect(p)
	if !strings.Contains(p.Output(), "msg=stopped ") {
		w.t.Errorf("the worker did not say what it had done:\n%s", p.Output())
	}
}

// inspect looks for what the program must never say, and adds its counters up.
func (w *Worker) inspect(p *kit.WorkerProcess) {
	w.t.Helper()
	out, _, _ := strings.Cut(p.Output(), "SIGQUIT: quit")
	for _, sign := range []string{"DATA RACE", "panic", "level=ERROR", "fatal error"} {
		if i := strings.Index(out, sign); i >= 0 {
			w.t.Errorf("the worker said:\n%s", out[max(0, i-500):min(len(out), i+5000)])
		}
	}
	i := strings.LastIndex(out, "msg=stopped ")
	if i < 0 {
		return
	}
	for _, m := range counter.FindAllStringSubmatch(out[i:], -1) {
		n, _ := strconv.ParseInt(m[2], 10, 64)
		w.totals[m[1]] += n
	}
}

var counter = regexp.MustCompile(`(\w+)=(\d+)`)

// Total is one of the worker's own counters, added up over the lives that were
// ended by Stop.
func (w *Worker) Total(name string) int64 { return w.totals[name] }

// Goroutines ends the program with SIGQUIT and returns how many goroutines it
// had.
func (w *Worker) Goroutines() int {
	w.t.Helper()
	return len(goroutine.FindAllString(w.Dump(), -1))
}

// Dump ends the program with SIGQUIT and returns all that it wrote, its
// goroutines last.
func (w *Worker) Dump() string {
	w.t.Helper()
	p := w.process()
	p.Signal(syscall.SIGQUIT)
	p.ExitCode(20 * time.Second)
	w.inspect(p)
	return p.Output()
}

var goroutine = regexp.MustCompile(`(?m)^goroutine \d+ .*\[`)

// Usage is what a process has of the machine.
type Usage struct {
	// RSS is its memory in bytes.
	RSS int64
	// Files and Threads are numbers of what is open, and running.
	Files, Threads int
}

// String is the usage as a person reads it.
func (u Usage) String() string {
	return fmt.Sprintf("%.1f MB, %d files, %d threads", float64(u.RSS)/(1<<20), u.Files, u.Threads)
}

// Usage is what the program has at this moment. Where there is no /proc, it is
// nothing.
func (w *Worker) Usage() Usage {
	dir := fmt.Sprintf("/proc/%d/", w.process().PID())
	status, _ := os.ReadFile(dir + "status")
	files, _ := os.ReadDir(dir + "fd")
	return Usage{
		RSS:   field(status, "VmRSS") << 10,
		Files: len(files), Threads: int(field(status, "Threads")),
	}
}

// field is a number of /proc/<pid>/status.
func field(status []byte, name string) int64 {
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			n, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return n
		}
	}
	return 0
}

// Watch looks at the program's usage until the function it returns is called,
// which returns the most of each.
func (w *Worker) Watch() (peak func() Usage) {
	var most Usage
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			u := w.Usage()
			most = Usage{max(most.RSS, u.RSS), max(most.Files, u.Files), max(most.Threads, u.Threads)}
			select {
			case <-stop:
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
	}()
	return func() Usage {
		close(stop)
		<-done
		return most
	}
}
