package embedded_test

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"chanmqttproxy/runtime/embedded"
	"chanmqttproxy/test/kit"
)

const (
	flowPublishers  = 4
	flowSubscribers = 3
	flowMessages    = 2000 // of each QoS
)

// TestBrokerManyMessages: all messages of QoS 1 and 2 reach every subscriber,
// in each publisher's order, with several clients at once.
func TestBrokerManyMessages(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"311", "5"} {
		for _, qos := range []string{"1", "2"} {
			t.Run(version+"/qos"+qos, func(t *testing.T) {
				t.Parallel()
				manyMessages(t, startBroker(t, embedded.BrokerOptions{}), version, qos)
			})
		}
	}
}

func manyMessages(t *testing.T, broker *embedded.BrokerServer, version, qos string) {
	t.Helper()
	publish(t, broker, "-V", version, "-t", "many/ready", "-m", "ready", "-r", "-q", "1")
	var subscribers []*subscriber
	for range flowSubscribers {
		subscribers = append(subscribers, subscribe(t, broker, version, qos))
	}
	for _, s := range subscribers {
		kit.Eventually(t, 30*time.Second, "a subscription stands", func() bool { return s.out.String() != "" })
	}
	var publishers []*exec.Cmd
	for p := range flowPublishers {
		publishers = append(publishers, publishLines(t, broker, version, qos, p))
	}
	for i, p := range publishers {
		if err := p.Wait(); err != nil {
			t.Errorf("publisher %d: %v", i, err)
		}
	}
	for i, s := range subscribers {
		if err := s.command.Wait(); err != nil {
			t.Errorf("subscriber %d got %d messages: %v", i, strings.Count(s.out.String(), "\n"), err)
			continue
		}
		checkLines(t, s.out.String())
	}
}

type subscriber struct {
	command *exec.Cmd
	out     kit.Buffer
}

// subscribe receives all messages, and one that says that it is subscribed.
func subscribe(t *testing.T, broker *embedded.BrokerServer, version, qos string) *subscriber {
	t.Helper()
	args := []string{"-V", version, "-t", "many/#", "-q", qos, "-C", fmt.Sprint(1 + flowMessages)}
	if version == "5" { // it is what mochi's quota comes from
		args = append(args, "-D", "connect", "receive-maximum", "100")
	}
	s := &subscriber{command: within(t, client(t, broker, "mosquitto_sub", args...))}
	s.command.Stdout = &s.out
	if err := s.command.Start(); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *subscriber) stop() {
	_ = s.command.Process.Kill()
	_ = s.command.Wait()
}

// publishLines starts a publisher of its share of the messages.
func publishLines(t *testing.T, broker *embedded.BrokerServer, version, qos string, p int) *exec.Cmd {
	t.Helper()
	var lines bytes.Buffer
	for i := range flowMessages / flowPublishers {
		fmt.Fprintf(&lines, "%d %d\n", p, i)
	}
	c := within(t, client(t, broker, "mosquitto_pub", "-V", version, "-t", fmt.Sprint("many/", p), "-q", qos, "-l"))
	c.Stdin = &lines
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return c
}

// within ends a command that hangs.
func within(t *testing.T, c *exec.Cmd) *exec.Cmd {
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	t.Cleanup(cancel)
	bounded := exec.CommandContext(ctx, c.Path, c.Args[1:]...)
	return bounded
}

func checkLines(t *testing.T, out string) {
	t.Helper()
	next := map[int]int{}
	for _, line := range strings.Split(strings.TrimSpace(out), "\n")[1:] {
		var p, i int
		if _, err := fmt.Sscanf(line, "%d %d", &p, &i); err != nil || next[p] != i {
			t.Fatalf("publisher %d: %q, want its number %d", p, line, next[p])
		}
		next[p]++
	}
}
