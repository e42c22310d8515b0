package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// rig is what a run of the command stands on: the programs, and the servers.
type rig struct {
	options
	ctx         context.Context // ends when the command is interrupted
	dir         string          // of the programs and the servers
	redis, mqtt string          // ports
	pids        string          // of the servers, as the load generator wants them
}

// newRig builds the programs and starts the servers. The caller closes it, also
// after an error.
func newRig(ctx context.Context, o options) (*rig, error) {
	r := &rig{options: o, ctx: ctx}
	if _, err := os.Stat(filepath.Join(o.ruler, "servers.sh")); err != nil {
		return r, fmt.Errorf("looking for the floor and the load generator: %w; name their folder by -ruler or BENCH_RULER", err)
	}
	var err error
	if r.dir, err = os.MkdirTemp("", "bench-"); err != nil {
		return r, err
	}
	if err := build(o.ruler, r.dir+"/", "./cmd/floor", "./cmd/load"); err != nil {
		return r, err
	}
	if r.worker == "" {
		r.worker = filepath.Join(r.dir, "chanmqttproxy")
		if err := build(".", r.worker, "./cmd/chanmqttproxy"); err != nil {
			return r, err
		}
	}
	if r.redis, r.mqtt, err = freePorts(); err != nil {
		return r, err
	}
	pids, err := r.servers("start")
	r.pids = strings.ReplaceAll(strings.TrimSpace(pids), " ", ",")
	return r, err
}

func (r *rig) close() {
	if r.pids != "" {
		_, _ = r.servers("stop")
	}
	if r.dir != "" {
		time.Sleep(200 * time.Millisecond) // the servers leave their folder
		_ = os.RemoveAll(r.dir)
	}
}

func build(folder, to string, packages ...string) error {
	cmd := exec.Command("go", append([]string{"build", "-o", to}, packages...)...)
	cmd.Dir = folder
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w\n%s", strings.Join(packages, " "), err, out)
	}
	return nil
}

// servers starts or stops redis-server and mosquitto. Both send small packets at
// once, as Redis and the worker do.
func (r *rig) servers(what string) (string, error) {
	cmd := exec.Command(filepath.Join(r.ruler, "servers.sh"), what)
	cmd.Env = append(r.environment(), "PATH=/usr/sbin:"+os.Getenv("PATH"), "BENCH_TMP="+r.dir, "MOSQ_NODELAY=true")
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("servers.sh %s: %w; redis-server, redis-cli, mosquitto and mosquitto_pub are needed", what, err)
	}
	return string(out), err
}

func (r *rig) environment() []string { return []string{"REDIS_PORT=" + r.redis, "MQTT_PORT=" + r.mqtt} }

// freePorts are two on which nobody listens.
func freePorts() (string, string, error) {
	a, err1 := net.Listen("tcp", "127.0.0.1:0")
	b, err2 := net.Listen("tcp", "127.0.0.1:0")
	if err := errors.Join(err1, err2); err != nil {
		return "", "", err
	}
	defer a.Close()
	defer b.Close()
	return portOf(a), portOf(b), nil
}

func portOf(l net.Listener) string {
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}
