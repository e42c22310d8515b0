package main

import (
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"chanmqttproxy/test/kit"
)

// A page is one that is open in a browser: what a device publishes comes to its WebSocket,
// through the broker, the worker, Redis and Daphne. python/page.py is the site.
type page struct {
	name  string
	batch int // how many messages may come in one event
	paced bool
}

var pages = []page{
	{name: "websocket-latency", batch: 1, paced: true}, {name: "websocket-latency-batch", batch: pageBatch, paced: true},
	{name: "websocket-rate", batch: 1}, {name: "websocket-rate-batch", batch: pageBatch},
}

const (
	pageBatch = 100
	// pageRate is how many messages a second are sent where the latency is measured.
	pageRate = 200
	// daphneQueue is how many events Daphne's queue in Redis holds.
	daphneQueue = 100
	// pageWarm is for how long messages are sent before it is measured.
	pageWarm = time.Second
)

// window is how many messages are under way where as many as possible are sent: what Daphne's
// queue holds when all batches are full. As long as they are not, the rest waits in the worker, and
// travels together. It is no more than the worker keeps by default: see QUEUE_BACKLOG.
func (p page) window() int { return daphneQueue * p.batch }

// String is what is measured of the page, as the list says it.
func (p page) String() string {
	what := fmt.Sprintf("as many as come through, %s under way", number(float64(p.window())))
	if p.paced {
		what = fmt.Sprintf("latency at %d a second", pageRate)
	}
	return fmt.Sprintf("device to WebSocket, batch %d: %s", p.batch, what)
}

// measurePages measures pages, in turns, with the Python of the sample site.
func (r *rig) measurePages(chosen []page) error {
	if len(chosen) == 0 {
		return nil
	}
	venv, err := installVenv(r.ctx, "test/site/requirements.txt")
	if err != nil {
		return err
	}
	for rep := range r.reps {
		for _, p := range chosen {
			if err := r.quietly(p.name, "worker", rep, func() (map[string]float64, error) { return r.page(p, venv) }); err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
		}
	}
	return nil
}

// page measures on an emptied Redis, with a fresh worker and a fresh Daphne.
func (r *rig) page(p page, venv string) (map[string]float64, error) {
	if err := r.empty(); err != nil {
		return nil, err
	}
	return withKit(func(t *bench) (map[string]float64, error) {
		worker, err := r.start(0)
		if err != nil {
			return nil, err
		}
		t.Cleanup(func() { stop(worker) })
		daphne, address := r.daphne(t, filepath.Join(venv, "bin", "python"), "test/bench/python")
		f, err := r.newPageFlow(address, p.batch)
		if err != nil {
			return nil, err
		}
		defer f.close()
		return r.throughPage(p, f, worker, daphne)
	})
}

// daphne serves the site of the page, which is in the folder.
func (r *rig) daphne(t testing.TB, python, folder string) (cmd *exec.Cmd, address string) {
	port := strconv.Itoa(kit.FreePort(t))
	address = net.JoinHostPort("127.0.0.1", port)
	cmd = exec.CommandContext(r.ctx, python, "-m", "daphne", "--bind", "127.0.0.1", "--port", port, "page:application")
	cmd.Env = append(os.Environ(), "PYTHONPATH="+folder, "DJANGO_SETTINGS_MODULE=peersettings", "PYTHONDONTWRITEBYTECODE=1",
		"BENCH_ASGI=page.application", "REDIS_URL=redis://127.0.0.1:"+r.redis, "MQTT_HOST=127.0.0.1")
	process := kit.Start(t, "daphne", cmd)
	if !kit.Answers(address, process.Ended(), time.Minute) {
		t.Fatalf("Daphne does not answer; it wrote:\n%s", process.Output())
	}
	return cmd, address
}

// throughPage sends messages for a while, and measures what becomes of them.
func (r *rig) throughPage(p page, f *pageFlow, worker, daphne *exec.Cmd) (map[string]float64, error) {
	send := func(d time.Duration) error {
		if p.paced {
			return f.publish(pageRate, d)
		}
		return f.publishWithin(p.window(), d)
	}
	if err := send(pageWarm); err != nil {
		return nil, err
	}
	programs := []*exec.Cmd{worker, daphne}
	first, came, frames := f.counts()
	queue := r.watchQueue()
	before := r.look(programs)
	err := send(time.Duration(r.seconds) * time.Second)
	after := r.look(programs)
	waiting := queue.stop()
	_, cameAfter, framesAfter := f.counts()
	figures, err := r.accounted(f.flow, first, before, after, err)
	if err != nil {
		return nil, err
	}
	maps.Copy(figures, r.parts(before, after, worker, daphne))
	figures["queue"] = waiting
	count := float64(cameAfter - came)
	figures[rate] = count / figures["secs"]
	figures["per_frame"] = count / float64(max(1, framesAfter-frames))
	figures[cpu] = figures["cpu_worker_s"] / max(1, count) * 100_000
	return figures, nil
}

// parts are how much CPU each part used, in seconds.
func (r *rig) parts(before, after usage, worker, daphne *exec.Cmd) map[string]float64 {
	of := map[string]string{"load": "self", "worker": strconv.Itoa(worker.Process.Pid), "daphne": strconv.Itoa(daphne.Process.Pid)}
	for _, server := range strings.Split(r.pids, ",") {
		name, pid, _ := strings.Cut(server, "=")
		of[name] = pid
	}
	figures := map[string]float64{}
	for name, key := range of {
		figures["cpu_"+name+"_s"] = after.ours[key] - before.ours[key]
	}
	since := after.since(before)
	figures["cpu_others_s"] = since["noise"] * since["secs"] * float64(runtime.NumCPU())
	return figures
}
