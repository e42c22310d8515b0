package kit

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// SentinelMaster is the name of the master that a Sentinel watches.
const SentinelMaster = "test-master"

// SentinelServer is a redis-sentinel of the test's own. It alone decides on a
// fail-over, half a second after the master's death.
type SentinelServer struct {
	port    int
	process *Process
}

// Sentinel starts a Sentinel for a master with one replica that is started too,
// and returns when it knows both.
func Sentinel(t testing.TB, master *RedisServer) (s *SentinelServer, replica *RedisServer) {
	t.Helper()
	program := Need(t, "redis-sentinel")
	replica = Redis(t, "--replicaof", "127.0.0.1", strconv.Itoa(master.port))
	s = &SentinelServer{}
	for range 5 { // another process may take the port first
		s.port = FreePort(t)
		s.process = Start(t, "redis-sentinel", exec.Command(program, s.write(t, master)))
		if s.ready(t) {
			return s, replica
		}
	}
	t.Fatalf("redis-sentinel did not start: %s", s.process.Output())
	return nil, nil
}

// Addr is "127.0.0.1:port".
func (s *SentinelServer) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// write writes the configuration, in which a Sentinel keeps its state too.
func (s *SentinelServer) write(t testing.TB, master *RedisServer) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sentinel.conf")
	text := fmt.Sprintf(`bind 127.0.0.1
port %[1]d
sentinel monitor %[2]s 127.0.0.1 %[3]d 1
sentinel down-after-milliseconds %[2]s 500
sentinel failover-timeout %[2]s 5000
`, s.port, SentinelMaster, master.port)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatalf("writing the configuration of redis-sentinel: %v", err)
	}
	return path
}

// ready waits until the Sentinel knows a replica that may take over.
func (s *SentinelServer) ready(t testing.TB) bool {
	t.Helper()
	client := redis.NewSentinelClient(&redis.Options{Addr: s.Addr()})
	defer client.Close()
	for deadline := time.Now().Add(waitLimit); time.Now().Before(deadline); {
		list, _ := client.Replicas(context.Background(), SentinelMaster).Result()
		if len(list) > 0 && list[0]["master-link-status"] == "ok" && list[0]["flags"] == "slave" {
			return true
		}
		select {
		case <-s.process.Ended():
			return false
		case <-time.After(20 * time.Millisecond):
		}
	}
	return false
}
