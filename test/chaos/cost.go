package chaos

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/test/kit"
)

// Cost is what something took.
type Cost struct {
	// Calls are how many commands Redis carried out, those of scripts counted too, and Sent
	// how many bytes it sent.
	Calls, Sent int64
	// Redis and Workers are the processor time of Redis, and of all workers together.
	Redis, Workers time.Duration
}

// String is the cost as a person reads it.
func (c Cost) String() string {
	return fmt.Sprintf("%d Redis calls, %d bytes from Redis, %v of Redis, %v of the workers",
		c.Calls, c.Sent, c.Redis.Round(time.Millisecond), c.Workers.Round(time.Millisecond))
}

// CostOf measures what a function costs.
func CostOf(t testing.TB, r *kit.RedisServer, workers []*kit.WorkerProcess, do func()) Cost {
	t.Helper()
	client := r.Client()
	before := spent(t, client, workers)
	do()
	after := spent(t, client, workers)
	return Cost{after.Calls - before.Calls, after.Sent - before.Sent, after.Redis - before.Redis, after.Workers - before.Workers}
}

// Rest waits until nobody reads much of Redis any more.
func Rest(t testing.TB, r *kit.RedisServer) {
	t.Helper()
	client := r.Client()
	for quiet, deadline := 0, time.Now().Add(2*time.Minute); quiet < 3; {
		before := spent(t, client, nil)
		time.Sleep(time.Second)
		if quiet++; spent(t, client, nil).Sent-before.Sent > 100_000 {
			quiet = 0
		}
		if time.Now().After(deadline) {
			t.Fatal("Redis is not at rest after two minutes")
		}
	}
}

var calls = regexp.MustCompile(`calls=(\d+)`)

func spent(t testing.TB, client *redis.Client, workers []*kit.WorkerProcess) (c Cost) {
	t.Helper()
	info, err := client.Info(context.Background(), "everything").Result()
	if err != nil {
		t.Fatalf("asking Redis what it has done: %v", err)
	}
	for line := range strings.Lines(info) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch {
		case strings.HasPrefix(name, "cmdstat_"):
			if m := calls.FindStringSubmatch(value); m != nil {
				n, _ := strconv.ParseInt(m[1], 10, 64)
				c.Calls += n
			}
		case name == "total_net_output_bytes":
			c.Sent, _ = strconv.ParseInt(value, 10, 64)
		case name == "used_cpu_user", name == "used_cpu_sys":
			seconds, _ := strconv.ParseFloat(value, 64)
			c.Redis += time.Duration(seconds * float64(time.Second))
		}
	}
	for _, w := range workers {
		c.Workers += processorTime(w.PID())
	}
	return c
}

// processorTime is that of a process; 0 where there is no /proc.
func processorTime(pid int) time.Duration {
	stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	const tick = 10 * time.Millisecond
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * tick
}
