package mqtt_test

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"chanmqttproxy/messages"
	"chanmqttproxy/test/kit"
)

// resuming is a broker that has a session of a dead process, and answers messages
// of QoS 2 with PUBREC, or as RabbitMQ does with PUBACK. It keeps what it got.
type resuming struct {
	url    *url.URL
	answer func(id uint16) packets.ControlPacket
	mu     sync.Mutex
	got    []string
}

func newResuming(t *testing.T, answer func(id uint16) packets.ControlPacket) *resuming {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &resuming{url: &url.URL{Scheme: "mqtt", Host: l.Addr().String()}, answer: answer}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if c, err := l.Accept(); err == nil {
			defer c.Close()
			r.serve(c)
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return r
}

func (r *resuming) serve(c net.Conn) {
	for {
		p, err := packets.ReadPacket(c)
		if err != nil {
			return
		}
		id := p.Details().MessageID
		var answer packets.ControlPacket
		switch p.(type) {
		case *packets.ConnectPacket:
			connack := packets.NewControlPacket(packets.Connack).(*packets.ConnackPacket)
			connack.SessionPresent = true
			answer = connack
		case *packets.PublishPacket:
			r.note(fmt.Sprint("PUBLISH ", id))
			answer = r.answer(id)
		case *packets.PubrelPacket:
			r.note(fmt.Sprint("PUBREL ", id))
			pubcomp := packets.NewControlPacket(packets.Pubcomp).(*packets.PubcompPacket)
			pubcomp.MessageID = id
			answer = pubcomp
		default:
			continue
		}
		if answer.Write(c) != nil {
			return
		}
	}
}

func (r *resuming) note(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got = append(r.got, what)
}

// TestOrphans: packet ids of a dead process are released only at a broker that
// speaks QoS 2, and before they are used; until that is known one message goes alone.
func TestOrphans(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer   func(id uint16) packets.ControlPacket
		releases int
	}{
		"PUBREC": {func(id uint16) packets.ControlPacket {
			p := packets.NewControlPacket(packets.Pubrec).(*packets.PubrecPacket)
			p.MessageID = id
			return p
		}, 1024},
		"PUBACK": {func(id uint16) packets.ControlPacket {
			p := packets.NewControlPacket(packets.Puback).(*packets.PubackPacket)
			p.MessageID = id
			return p
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			broker := newResuming(t, c.answer)
			s, sink := connect(t, messages.MQTT311, config(broker.url))
			for i := range 3 {
				m := messages.Publish{Receipt: messages.Receipt(fmt.Sprint(i)), Message: &messages.Message{Topic: "a", QoS: 2}, More: i < 2}
				if err := s.Publish(t.Context(), m); err != nil {
					t.Fatal(err)
				}
			}
			kit.Eventually(t, 20*time.Second, "all are settled", func() bool { return len(sink.Settled()) == 3 })
			broker.mu.Lock()
			defer broker.mu.Unlock()
			var first uint16
			if fmt.Sscanf(broker.got[0], "PUBLISH %d", &first); first <= 1<<15-1 {
				t.Errorf("the first thing sent is %s", broker.got[0])
			}
			second, count := slices.Index(broker.got[1:], "PUBLISH 1")+1, 0
			for id := range 1024 {
				if at := slices.Index(broker.got, fmt.Sprint("PUBREL ", id+1)); at > 0 && at < second {
					count++
				}
			}
			if count != c.releases || second < 1 {
				t.Errorf("%d ids were released before the second message, want %d", count, c.releases)
			}
		})
	}
}
