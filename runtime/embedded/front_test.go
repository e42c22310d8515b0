package embedded_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"chanmqttproxy/runtime/embedded"
	"chanmqttproxy/test/kit"
)

// connect opens a connection on which nothing is waited for longer than a minute.
func connect(t *testing.T, server *embedded.RedisServer) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	return c, bufio.NewReader(c)
}

// TestRedisPublishFollowsSubscribe: channels_redis subscribes without waiting for the
// answer, and publishes on another connection. The system itself may hold back what a
// busy machine sends, in a few of a thousand cases also from a Redis.
func TestRedisPublishFollowsSubscribe(t *testing.T) {
	t.Parallel()
	server, _ := startRedis(t)
	subscriber, heard := connect(t, server)
	publisher, answers := connect(t, server)
	const rounds, excused = 500, 60
	missed := 0
	for i := range rounds {
		channel := fmt.Sprintf("c%d.", i)
		fmt.Fprintf(subscriber, "*2\r\n$9\r\nSUBSCRIBE\r\n$%d\r\n%s\r\n", len(channel), channel)
		fmt.Fprintf(publisher, "*3\r\n$7\r\nPUBLISH\r\n$%d\r\n%s\r\n$1\r\nx\r\n", len(channel), channel)
		answer, err := answers.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"subscribe", "message"}
		if answer == ":0\r\n" {
			missed++
			want = want[:1]
		}
		for _, kind := range want {
			for line := ""; strings.TrimSpace(line) != kind; {
				if line, err = heard.ReadString('\n'); err != nil {
					t.Fatalf("waiting for %q on %s: %v", kind, channel, err)
				}
			}
		}
	}
	t.Logf("%d of %d publishes passed the subscription before them", missed, rounds)
	if missed > excused {
		t.Errorf("%d of %d publishes passed the subscription before them", missed, rounds)
	}
}

// TestRedisPublishAmongBlocked: readers that block for long hold up nobody who publishes,
// nor do those who publish hold up each other.
func TestRedisPublishAmongBlocked(t *testing.T) {
	t.Parallel()
	server, client := startRedis(t)
	for i := range 4 {
		c, _ := connect(t, server)
		fmt.Fprintf(c, "*3\r\n$8\r\nBZPOPMIN\r\n$2\r\nq%d\r\n$2\r\n60\r\n", i)
	}
	done := make(chan error, 8)
	began := time.Now()
	for range cap(done) {
		go func() {
			var err error
			for i := 0; i < 50 && err == nil; i++ {
				err = client.Publish(t.Context(), "news", "x").Err()
			}
			done <- err
		}()
	}
	for range cap(done) {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("400 publishes took %v", took)
	}
}

// TestRedisSubscriberLeaves: the subscriptions of a connection that is gone are gone.
func TestRedisSubscriberLeaves(t *testing.T) {
	t.Parallel()
	_, client := startRedis(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	subscription := client.Subscribe(ctx, "news")
	if _, err := subscription.Receive(ctx); err != nil {
		t.Fatal(err)
	}
	if n := client.Publish(ctx, "news", "x").Val(); n != 1 {
		t.Errorf("%d subscribers, want 1", n)
	}
	subscription.Close()
	kit.Eventually(t, 30*time.Second, "the subscription ends", func() bool { return client.Publish(ctx, "news", "x").Val() == 0 })
}

// TestChannelsRedisSuite: channels_redis's own tests of its pub/sub back end. They wait a
// second here and there, which is too short on a machine that is busy for a moment.
func TestChannelsRedisSuite(t *testing.T) {
	t.Parallel()
	var said string
	var err error
	for range 3 {
		server, _ := startRedis(t)
		said, err = kit.Suite(t, server.Addr(), "test_pubsub.py")
		if err == nil {
			break
		}
	}
	if err != nil || !strings.Contains(said, " passed") {
		t.Errorf("%v\n%s", err, said)
	}
}
