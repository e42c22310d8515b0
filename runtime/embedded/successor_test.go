package embedded_test

import (
	"io"
	"net"
	"testing"
	"time"

	"chanmqttproxy/runtime/embedded"
)

// TestSessionThatEndsIsNotInherited: who connects while the broker still cleans up behind
// a client of the same id gets a session of its own, and keeps it.
func TestSessionThatEndsIsNotInherited(t *testing.T) {
	t.Parallel()
	broker := startBroker(t, embedded.BrokerOptions{})
	broker.Stop()
	broker.Linger(200 * time.Millisecond)
	if err := broker.Start(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ clean, stored string }{
		"3.1.1": {"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01a", "\x10\x0d\x00\x04MQTT\x04\x00\x00\x3c\x00\x01a"},
		"5": {"\x10\x0e\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x01b",
			"\x10\x13\x00\x04MQTT\x05\x00\x00\x3c\x05\x11\x00\x00\x01\x00\x00\x01b"},
	} {
		t.Run(name, func(t *testing.T) {
			first := open(t, broker.Addr(), c.clean)
			if _, err := first.Write([]byte{0xe0, 0}); err != nil {
				t.Fatal(err)
			}
			second := open(t, broker.Addr(), c.stored)
			subscribe := "\x82\x06\x00\x01\x00\x01a\x00"
			if name == "5" {
				subscribe = "\x82\x07\x00\x01\x00\x00\x01a\x00"
			}
			if _, err := io.WriteString(second, subscribe); err != nil {
				t.Fatal(err)
			}
			if kind := readPacket(t, second)[0]; kind != 0x90 {
				t.Fatalf("SUBSCRIBE was answered with %#x", kind)
			}
			time.Sleep(300 * time.Millisecond) // the first one's end
			publish(t, broker, "-t", "a", "-m", "x", "-q", "1")
			if kind := readPacket(t, second)[0]; kind != 0x30 {
				t.Errorf("a packet %#x came, no PUBLISH", kind)
			}
		})
	}
}

// open connects, and checks that no session was there.
func open(t *testing.T, addr, connect string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := io.WriteString(c, connect); err != nil {
		t.Fatal(err)
	}
	if connack := readPacket(t, c); connack[0] != 0x20 || connack[2] != 0 || connack[3] != 0 {
		t.Fatalf("CONNECT was answered with %x", connack)
	}
	return c
}

// readPacket reads one short packet.
func readPacket(t *testing.T, c net.Conn) []byte {
	t.Helper()
	head := make([]byte, 2)
	if _, err := io.ReadFull(c, head); err != nil {
		t.Fatal(err)
	}
	rest := make([]byte, head[1])
	if _, err := io.ReadFull(c, rest); err != nil {
		t.Fatal(err)
	}
	return append(head, rest...)
}
