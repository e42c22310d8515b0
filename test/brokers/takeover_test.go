package brokers_test

import (
	"fmt"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"chanmqttproxy/test/kit"
)

// A client, none of ours, takes its session over from a connection that still lives and has
// not acknowledged what it got: that is to come again before what is newer [MQTT-4.6.0-1].
// A worker does so whose predecessor was stopped, and did not die.
func (s *deployment) takenOver(t *testing.T) {
	if s.version != "3.1.1" {
		t.Skip("the bare client speaks 3.1.1")
	}
	if s.without(t, queues) || s.without(t, promptly) {
		return
	}
	rounds, lacks := 3, s.without(t, orderTakenOver)
	if lacks {
		rounds = 50 // most of them show it
	}
	overtaken := false
	for i := 0; i < rounds && !overtaken; i++ {
		overtaken = !s.takeOver(t, fmt.Sprint("taken-over-", i), lacks)
	}
	if lacks != overtaken {
		t.Errorf("messages came out of order: %v, want %v", overtaken, lacks)
	}
}

// takeOver says whether the second connection of a client gets messages in their order.
// They may still come to the broker while it connects: some brokers mix them up only then,
// and the embedded one may lose one.
func (s *deployment) takeOver(t *testing.T, id string, coming bool) bool {
	t.Helper()
	const unacknowledged, all = 10, 100
	first := s.bare(t, id)
	sub := packets.NewControlPacket(packets.Subscribe).(*packets.SubscribePacket)
	sub.Topics, sub.Qoss, sub.MessageID = []string{id}, []byte{1}, 1
	send(t, first, sub)
	receive[*packets.SubackPacket](t, first)
	d := s.device(t)
	var sent []*kit.Sent
	for i := range all {
		sent = append(sent, d.Publish(id, 1, strconv.Itoa(i)))
	}
	for range unacknowledged {
		receive[*packets.PublishPacket](t, first)
	}
	for _, m := range sent {
		if !coming && !m.WaitTimeout(time.Minute) {
			t.Fatal("a publish was not acknowledged within a minute")
		}
	}
	second := s.bare(t, id)
	for i := range all {
		m := receive[*packets.PublishPacket](t, second)
		if string(m.Payload) != strconv.Itoa(i) {
			t.Logf("%s came when %d was due", m.Payload, i)
			return false
		}
		ack := packets.NewControlPacket(packets.Puback).(*packets.PubackPacket)
		ack.MessageID = m.MessageID
		send(t, second, ack)
	}
	return true
}

// bare is a connection of a client that keeps its session.
func (s *deployment) bare(t *testing.T, id string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", s.addr311())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	c := packets.NewControlPacket(packets.Connect).(*packets.ConnectPacket)
	c.ProtocolName, c.ProtocolVersion, c.ClientIdentifier, c.Keepalive = "MQTT", 4, id, 60
	send(t, conn, c)
	receive[*packets.ConnackPacket](t, conn)
	return conn
}

func send(t *testing.T, conn net.Conn, p packets.ControlPacket) {
	t.Helper()
	if err := p.Write(conn); err != nil {
		t.Fatal(err)
	}
}

// receive is the next packet of a kind.
func receive[P packets.ControlPacket](t *testing.T, conn net.Conn) P {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(30 * time.Second))
	for {
		p, err := packets.ReadPacket(conn)
		if err != nil {
			t.Fatal(err)
		}
		if p, ok := p.(P); ok {
			return p
		}
	}
}
