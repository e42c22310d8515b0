package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

// program starts the worker or the floor.
func (r *rig) program(s scenario, who string) (*exec.Cmd, error) {
	way, is := strings.CutPrefix(who, "floor")
	switch {
	case is:
		args := append([]string{"-redis", "127.0.0.1:" + r.redis, "-mqtt", "127.0.0.1:" + r.mqtt}, strings.Fields(way)...)
		if s.capacity > 0 {
			args = append(args, "-cap", fmt.Sprint(s.capacity))
		}
		return r.launch(exec.CommandContext(r.ctx, r.dir+"/floor", args...))
	case s.restart:
		return r.start(s.capacity, append(s.settings, "HTTP_LISTEN="+readyAddress)...)
	default:
		return r.start(s.capacity, s.settings...)
	}
}

// start starts a worker, with queues of the given capacity (0: the layer's default).
func (r *rig) start(capacity int, settings ...string) (*exec.Cmd, error) {
	cmd := exec.CommandContext(r.ctx, r.worker, "run")
	cmd.Env = append(r.environment(), "PATH="+os.Getenv("PATH"), "LOG_LEVEL=warn", "MQTT_HOST=127.0.0.1")
	if capacity > 0 {
		cmd.Env = append(cmd.Env, fmt.Sprintf(`CHANNEL_LAYERS={"default":{"BACKEND":"channels_redis.core.RedisChannelLayer","CONFIG":{"hosts":["redis://127.0.0.1:%s"],"capacity":%d}}}`, r.redis, capacity))
	} else {
		cmd.Env = append(cmd.Env, "REDIS_URL=redis://127.0.0.1:"+r.redis)
	}
	cmd.Env = append(cmd.Env, settings...)
	return r.launch(cmd)
}

// launch starts the worker or the floor.
func (r *rig) launch(cmd *exec.Cmd) (*exec.Cmd, error) {
	if r.limited {
		cmd.Env = append(cmd.Environ(), limits...)
	}
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	return cmd, cmd.Start()
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
