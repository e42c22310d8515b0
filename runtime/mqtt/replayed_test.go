package mqtt_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/mqtt"
	"chanmqttproxy/test/conform"
)

// replayer is a broker that sends the same two messages at each resume, until it is told
// to drop the session.
type replayer struct{ dropped bool }

func (r *replayer) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	go r.serve(theirs)
	return ours, nil
}

func (r *replayer) serve(c net.Conn) {
	defer c.Close()
	buffer := make([]byte, 1024)
	if _, err := c.Read(buffer); err != nil {
		return
	}
	send := make(chan string, 10)
	defer close(send)
	go func() {
		for packets := range send {
			time.Sleep(time.Millisecond) // time stands still else, and a PINGRESP must come after its PINGREQ
			_, _ = io.WriteString(c, packets)
		}
	}()
	switch clean := buffer[9]&2 != 0; {
	case clean || r.dropped:
		r.dropped = true
		send <- accepted311
	default:
		send <- present311 + "\x32\x07\x00\x01a\x00\x01xx" + "\x32\x07\x00\x01a\x00\x02yy"
	}
	for {
		if _, err := c.Read(buffer); err != nil || buffer[0] == 0xe0 {
			return
		}
		if buffer[0] == 0xc0 {
			send <- "\xd0\x00"
		}
	}
}

// What the broker sends again at each resume, though it has read that it was received,
// comes four times at most; the session is dropped then.
func TestReplayedSession(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &replayer{}
		c := mqtt.Config{
			ClientID: named("client"), SessionExpiry: 300, KeepAlive: 30,
			Servers: []*url.URL{{Scheme: "mqtt", Host: "a"}}, Sessions: &memory{known: map[string]bool{"client": true}},
		}
		d := mqtt.NewDialer(c.Over(r.dial))
		sink := conform.NewSink(port{d})
		for i := range 6 {
			s, err := d.Dial(t.Context(), messages.MQTT311, sink)
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
			if s.Info().Present == (i > 3) {
				t.Errorf("connection %d: session present: %v", i, s.Info().Present)
			}
			s.Close()
		}
		if n := sink.Count(); n != 8 {
			t.Errorf("%d messages came", n)
		}
		var f *messages.ConnectionFailure
		if l := sink.Losses(); len(l) != 1 || !errors.As(l[0], &f) || f.Cause != messages.SessionReplayed {
			t.Errorf("the losses are %v", l)
		}
		time.Sleep(time.Second) // the broker's side ends
	})
}
