package embedded_test

import (
	"bufio"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chanmqttproxy/runtime/embedded"
	"chanmqttproxy/test/kit"
)

func startBroker(t *testing.T, options embedded.BrokerOptions) *embedded.BrokerServer {
	t.Helper()
	broker, err := embedded.Broker("127.0.0.1:0", options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		broker.Close()
		broker.Close() // twice is fine
	})
	return broker
}

// client makes the command of one of mosquitto's clients.
func client(t *testing.T, broker *embedded.BrokerServer, program string, args ...string) *exec.Cmd {
	t.Helper()
	path := kit.Need(t, program)
	host, port, err := net.SplitHostPort(broker.Addr())
	if err != nil {
		t.Fatal(err)
	}
	return exec.CommandContext(t.Context(), path, append([]string{"-h", host, "-p", port}, args...)...)
}

func publish(t *testing.T, broker *embedded.BrokerServer, args ...string) {
	t.Helper()
	if out, err := client(t, broker, "mosquitto_pub", args...).CombinedOutput(); err != nil {
		t.Fatalf("publishing %q: %v: %s", args, err, out)
	}
}

func TestBrokerServesRealClients(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"311", "5"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			roundTrip(t, startBroker(t, embedded.BrokerOptions{}), version)
		})
	}
}

// roundTrip subscribes, publishes once the subscription stands, and wants the
// message. A retained message tells that the subscription stands.
func roundTrip(t *testing.T, broker *embedded.BrokerServer, version string) {
	t.Helper()
	publish(t, broker, "-V", version, "-t", "a/ready", "-m", "ready", "-r", "-q", "1")
	sub := client(t, broker, "mosquitto_sub", "-V", version, "-t", "a/#", "-q", "2", "-C", "2")
	out, err := sub.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := sub.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "ready" {
		t.Fatalf("the retained message was %q", lines.Text())
	}
	publish(t, broker, "-V", version, "-t", "a/b", "-m", "hello", "-q", "2")
	if !lines.Scan() || lines.Text() != "hello" {
		t.Fatalf("the message was %q", lines.Text())
	}
	if err := sub.Wait(); err != nil {
		t.Errorf("the subscriber: %v", err)
	}
}

// TestBrokerLargeMessages: what is too large for the broker costs its sender the
// connection, and what is too large for a subscriber costs nobody anything.
func TestBrokerLargeMessages(t *testing.T) {
	t.Parallel()
	broker := startBroker(t, embedded.BrokerOptions{})
	file := filepath.Join(t.TempDir(), "large")
	if err := os.WriteFile(file, make([]byte, 17<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := within(t, client(t, broker, "mosquitto_pub", "-V", "311", "-q", "1", "-t", "large", "-f", file)).CombinedOutput(); err == nil {
		t.Errorf("17 MB were taken: %s", out)
	}
	listen := func() *subscriber {
		s := &subscriber{command: within(t, client(t, broker, "mosquitto_sub", "-V", "5", "-c", "-i", "small", "-x", "300", "-q", "1",
			"-t", "large", "-F", "%l bytes", "-D", "connect", "maximum-packet-size", "100000"))}
		s.command.Stdout = &s.out
		if err := s.command.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.stop)
		return s
	}
	send := func(size int) { publish(t, broker, "-q", "1", "-t", "large", "-m", strings.Repeat("x", size)) }
	comes := func(s *subscriber, size string) func() bool {
		return func() bool { return strings.Contains(s.out.String(), size+" bytes\n") }
	}
	first := listen()
	kit.Eventually(t, 30*time.Second, "the first message comes", func() bool { send(1); return comes(first, "1")() })
	send(110_000)
	send(2)
	kit.Eventually(t, 30*time.Second, "what follows a large one comes", comes(first, "2"))
	first.stop()
	for _, size := range []int{110_000, 110_000, 3} { // while nobody is there
		send(size)
	}
	second := listen()
	kit.Eventually(t, 30*time.Second, "what has waited behind large ones comes", comes(second, "3"))
	if strings.Contains(first.out.String()+second.out.String(), "110000") {
		t.Error("what is too large came too")
	}
}

func TestBrokerStopAndStart(t *testing.T) {
	t.Parallel()
	broker := startBroker(t, embedded.BrokerOptions{})
	addr := broker.Addr()
	broker.Stop()
	if conn, err := net.DialTimeout("tcp", addr, time.Second); err == nil {
		conn.Close()
		t.Error("a stopped broker listens")
	}
	if err := broker.Start(); err != nil {
		t.Fatal(err)
	}
	if broker.Addr() != addr {
		t.Errorf("it moved from %s to %s", addr, broker.Addr())
	}
	roundTrip(t, broker, "5")
}

// TestBrokerIsQuiet: clients that come and go leave no line, and no line ever
// shows a payload.
func TestBrokerIsQuiet(t *testing.T) {
	t.Parallel()
	var log kit.Buffer
	broker := startBroker(t, embedded.BrokerOptions{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	publish(t, broker, "-t", "a", "-m", "hunter2")
	if got := log.String(); got != "" {
		t.Errorf("an ordinary client left %s", got)
	}
	conn, err := net.Dial("tcp", broker.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// A CONNECT, and a PUBLISH to the topic "+", which is a protocol error.
	conn.Write([]byte("\x10\x0d\x00\x04MQTT\x04\x02\x00\x00\x00\x01c" + "\x30\x0a\x00\x01+hunter2"))
	conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	for b := make([]byte, 16); err == nil; {
		_, err = conn.Read(b)
	}
	broker.Close()
	if strings.Contains(log.String(), "hunter2") || strings.Contains(log.String(), "104 117 110") {
		t.Errorf("the log shows a payload: %s", log.String())
	}
}

// TestBrokerReplaysAgain: who is subscribed already gets the retained messages by
// asking again, and nobody else does.
func TestBrokerReplaysAgain(t *testing.T) {
	t.Parallel()
	broker := startBroker(t, embedded.BrokerOptions{})
	asking, other := kit.NewDevice(t, broker.Addr()), kit.NewDevice(t, broker.Addr())
	asking.Retain("a/kept", "x")
	asking.Retain("barrier", "x") // a publish is acknowledged before it is passed on
	other.Listen("a/+", 1)
	kit.Eventually(t, 10*time.Second, "the other's own replay", func() bool { return len(other.Heard()) > 0 })
	for n := 1; n <= 3; n++ {
		asking.Listen("a/+", 1)
		kit.Eventually(t, 10*time.Second, "the replay comes", func() bool { return len(asking.Heard()) == n })
	}
	for _, h := range append(asking.Heard(), other.Heard()...) {
		if h.Payload != "x" || !h.Retain {
			t.Errorf("heard %+v", h)
		}
	}
	if n := len(other.Heard()); n != 1 {
		t.Errorf("another client heard it %d times", n)
	}
}
