package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

type options struct {
	ruler, out string
	reps       int
	noise      float64
}

// result is a line that the load generator writes.
type result map[string]any

// runner measures.
type runner struct {
	options
	bin, servers string // programs; what the servers are, as the load generator wants it
}

const (
	redisAddr = "127.0.0.1:7101"
	mqttAddr  = "127.0.0.1:7183"
	httpAddr  = "127.0.0.1:7184"
	settle    = 2500 * time.Millisecond // from the start of a worker to the load
	tries     = 3
)

// open builds what is measured, and starts the servers.
func open(o options) (*runner, error) {
	bin, err := os.MkdirTemp("", "chanmqttproxy-bench")
	if err != nil {
		return nil, err
	}
	b := &runner{options: o, bin: bin}
	if _, err := os.Stat(filepath.Join(o.ruler, "servers.sh")); err != nil {
		return nil, fmt.Errorf("looking for the load generator and the floor (-ruler): %w", err)
	}
	for dir, packages := range map[string]string{o.ruler: "./cmd/...", ".": "./cmd/chanmqttproxy"} {
		build := exec.Command("go", "build", "-o", bin+"/", packages)
		build.Dir = dir
		if out, err := build.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("building %s in %s: %w\n%s", packages, dir, err, out)
		}
	}
	out, err := b.script("start").Output()
	if err != nil {
		return nil, fmt.Errorf("starting redis-server and mosquitto: %w", err)
	}
	b.servers = strings.ReplaceAll(strings.TrimSpace(string(out)), " ", ",")
	return b, nil
}

func (b *runner) close() {
	_ = b.script("stop").Run()
	_ = os.RemoveAll(b.bin)
}

func (b *runner) script(verb string) *exec.Cmd {
	c := exec.Command("bash", "servers.sh", verb)
	c.Dir = b.ruler
	c.Env = append(os.Environ(), "REDIS_PORT=7101", "MQTT_PORT=7183", "MOSQ_NODELAY=true")
	return c
}

// measure measures one row once: each mode of the floor, and the worker.
func (b *runner) measure(r row, rep int) error {
	for _, mode := range append([]string{"worker"}, r.floors...) {
		label := "worker"
		if mode != "worker" {
			label = strings.TrimSpace("floor " + mode)
		}
		for try := range tries {
			got, err := b.once(r, mode, label)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", r.name, label, err)
			}
			noise, _ := got["noise"].(float64)
			if got["noisy"] = noise > b.noise; got["noisy"] == true && try < tries-1 {
				continue
			}
			fmt.Printf("%-10s %-18s %10.4g %s, noise %.3f\n", r.name, label, got[r.metric], r.unit, noise)
			if err := b.keep(r, label, rep, got); err != nil {
				return err
			}
			break
		}
	}
	return nil
}

// once runs one worker under one load.
func (b *runner) once(r row, mode, label string) (result, error) {
	if err := exec.Command("redis-cli", "-p", "7101", "flushall").Run(); err != nil {
		return nil, fmt.Errorf("emptying Redis: %w", err)
	}
	_ = exec.Command(filepath.Join(b.bin, "load"), "quiet", "-max", "60s").Run()
	w := b.start(r, mode)
	defer func() { stop(w) }()
	time.Sleep(settle)
	args := []string{"-redis", redisAddr, "-mqtt", mqttAddr, "-label", label, "-pids", fmt.Sprintf("worker=%d,%s", w.Process.Pid, b.servers)}
	if r.capacity > 0 {
		args = append(args, "-cap", strconv.Itoa(r.capacity))
	}
	out, err := exec.Command(filepath.Join(b.bin, "load"), append(args, r.load...)...).Output()
	if err != nil {
		return nil, fmt.Errorf("loading it: %w", err)
	}
	all := result{}
	for line := range bytes.Lines(out) {
		var one result
		if err := json.Unmarshal(line, &one); err != nil {
			return nil, fmt.Errorf("reading the result %q: %w", line, err)
		}
		maps.Copy(all, one)
	}
	if r.ready {
		stop(w)
		w = b.start(r, mode)
		all[r.metric] = ready().Seconds()
	}
	return all, nil
}

// start starts the worker, or a mode of the floor.
func (b *runner) start(r row, mode string) *exec.Cmd {
	if mode != "worker" {
		args := append([]string{"-redis", redisAddr, "-mqtt", mqttAddr}, strings.Fields(mode)...)
		if r.capacity > 0 {
			args = append(args, "-cap", strconv.Itoa(r.capacity))
		}
		return run(exec.Command(filepath.Join(b.bin, "floor"), args...))
	}
	c := exec.Command(filepath.Join(b.bin, "chanmqttproxy"), "run")
	layer := fmt.Sprintf(`CHANNEL_LAYERS={"default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": ["redis://%s"], "capacity": %d}}}`,
		redisAddr, max(r.capacity, 100))
	c.Env = append(os.Environ(), layer, "MQTT_HOST="+mqttAddr, "LOG_LEVEL=warn")
	if r.ready {
		c.Env = append(c.Env, "HTTP_LISTEN="+httpAddr)
	}
	return run(c)
}

func run(c *exec.Cmd) *exec.Cmd {
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		panic(err) // it was built just now
	}
	return c
}

func stop(c *exec.Cmd) {
	_ = c.Process.Kill()
	_ = c.Wait()
}

// ready is how long it takes a worker that was just started to say that it is ready.
func ready() time.Duration {
	began := time.Now()
	for time.Since(began) < time.Minute {
		if answer, err := http.Get("http://" + httpAddr + "/readyz"); err == nil {
			_ = answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				break
			}
		}
		time.Sleep(2 * time.Millisecond)
	}
	return time.Since(began)
}

// keep appends a result to the file.
func (b *runner) keep(r row, label string, rep int, got result) error {
	got["row"], got["label"], got["rep"] = r.name, label, rep
	line, err := json.Marshal(got)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(b.out, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "%s\n", line)
	return errors.Join(err, f.Close())
}
