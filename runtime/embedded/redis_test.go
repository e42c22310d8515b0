package embedded_test

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/runtime/embedded"
	"chanmqttproxy/test/kit"
)

func startRedis(t *testing.T) (*embedded.RedisServer, *redis.Client) {
	t.Helper()
	server, err := embedded.Redis("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(&redis.Options{Addr: server.Addr(), MaxRetries: -1})
	t.Cleanup(func() {
		client.Close()
		server.Close()
		server.Close() // twice is fine
	})
	return server, client
}

// send is what a channel layer does: one member, and the life of the queue.
var send = redis.NewScript(`redis.call('ZADD', KEYS[1], ARGV[1], ARGV[2]) return redis.call('EXPIRE', KEYS[1], ARGV[3])`)

func TestRedisScriptAndBlockingRead(t *testing.T) {
	t.Parallel()
	_, client := startRedis(t)
	ctx := t.Context()
	type read struct {
		got *redis.ZWithKey
		err error
	}
	reads := make(chan read, 1)
	go func() {
		got, err := client.BZPopMin(ctx, 30*time.Second, "queue").Result()
		reads <- read{got, err}
	}()
	if err := send.Run(ctx, client, []string{"queue"}, 1.5, "body\x00\xff", 60).Err(); err != nil {
		t.Fatal(err)
	}
	if r := <-reads; r.err != nil || r.got.Member != "body\x00\xff" || r.got.Score != 1.5 {
		t.Errorf("read %+v %v", r.got, r.err)
	}
}

func TestRedisKeysExpire(t *testing.T) {
	t.Parallel()
	_, client := startRedis(t)
	ctx := t.Context()
	if err := send.Run(ctx, client, []string{"queue"}, 1, "body", 1).Err(); err != nil {
		t.Fatal(err)
	}
	if n := client.ZCard(ctx, "queue").Val(); n != 1 {
		t.Fatalf("the queue holds %d", n)
	}
	kit.Eventually(t, 10*time.Second, "the queue expires", func() bool { return client.Exists(ctx, "queue").Val() == 0 })
}

func TestRedisStopAndStart(t *testing.T) {
	t.Parallel()
	server, client := startRedis(t)
	ctx := t.Context()
	if err := client.Set(ctx, "key", "value", 0).Err(); err != nil {
		t.Fatal(err)
	}
	addr := server.Addr()
	server.Stop()
	if err := client.Ping(ctx).Err(); err == nil {
		t.Error("a stopped server answers")
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	if got := client.Get(ctx, "key").Val(); got != "value" || server.Addr() != addr {
		t.Errorf("after the restart %q at %s", got, server.Addr())
	}
	waits(t, client)
}

// waits wants a blocking read to wait, and not to return at once with nothing.
func waits(t *testing.T, client *redis.Client) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	got := make(chan string, 1)
	go func() {
		if z, err := client.BZPopMin(ctx, 30*time.Second, "late").Result(); err == nil {
			got <- z.Member.(string)
		} else {
			got <- err.Error()
		}
	}()
	kit.Eventually(t, 10*time.Second, "the reader blocks", func() bool { return client.PoolStats().TotalConns > client.PoolStats().IdleConns })
	client.ZAdd(ctx, "late", redis.Z{Score: 1, Member: "here"})
	if m := <-got; m != "here" {
		t.Errorf("the blocking read gave %q", m)
	}
}
