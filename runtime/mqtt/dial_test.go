package mqtt_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/mqtt"
	"chanmqttproxy/test/conform"
)

// cluster is some brokers in memory, by host name, that answer CONNECT as a test says.
type cluster struct {
	began time.Time
	// answer says what the nth CONNECT to a host is answered with, and after how long;
	// ok false: never.
	answer func(host string, n int, c wish) (packet string, after time.Duration, ok bool)

	mu   sync.Mutex
	seen map[string]int
	log  []string
	open map[string]int // connections that are not over at the brokers' side
	busy bool           // a connection was made while another was open
}

// wish is what a CONNECT says.
type wish struct {
	level byte
	clean bool
}

const (
	accepted311 = "\x20\x02\x00\x00"
	present311  = "\x20\x02\x01\x00"
	accepted5   = "\x20\x03\x00\x00\x00"
)

func newCluster(answer func(string, int, wish) (string, time.Duration, bool)) *cluster {
	return &cluster{began: time.Now(), answer: answer, seen: map[string]int{}, open: map[string]int{}}
}

func (b *cluster) dial(_ context.Context, _, address string) (net.Conn, error) {
	host, _, _ := net.SplitHostPort(address)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open[host] > 0 {
		b.busy = true
	}
	b.open[host]++
	b.seen[host]++
	ours, theirs := net.Pipe()
	go b.serve(host, b.seen[host], theirs)
	return ours, nil
}

func (b *cluster) note(what string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.log = append(b.log, fmt.Sprintf("%v %s", time.Since(b.began).Round(time.Second), what))
}

// serve reads on while it is busy with a CONNECT, as a kernel does.
func (b *cluster) serve(host string, n int, c net.Conn) {
	defer func() {
		c.Close()
		b.mu.Lock()
		defer b.mu.Unlock()
		b.open[host]--
	}()
	buffer := make([]byte, 1024)
	if _, err := c.Read(buffer); err != nil {
		return
	}
	hello := wish{level: buffer[8], clean: buffer[9]&2 != 0}
	b.note(fmt.Sprintf("%s: CONNECT %d", host, hello.level))
	left := make(chan struct{})
	go func() {
		for {
			if _, err := c.Read(buffer); err != nil || buffer[0] == 0xe0 {
				close(left)
				return
			}
		}
	}()
	packet, after, ok := b.answer(host, n, hello)
	if !ok {
		<-left
		b.note(host + ": DISCONNECT")
		return
	}
	time.Sleep(after)
	_, _ = io.WriteString(c, packet)
	<-left
}

func (b *cluster) events() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.log)
}

// config is that of a Dialer for the hosts.
func (b *cluster) config(hosts ...string) mqtt.Config {
	c := mqtt.Config{ClientID: named("client"), SessionExpiry: 300, Timeout: 10 * time.Second}
	for _, host := range hosts {
		c.Servers = append(c.Servers, &url.URL{Scheme: "mqtt", Host: host})
	}
	return c.Over(b.dial)
}

// dialOn dials, and again where a server is to be tried with another version.
func dialOn(t *testing.T, d *mqtt.Dialer, v messages.Version, sink mqtt.Sink) (*mqtt.Conn, error) {
	t.Helper()
	for {
		s, err := d.Dial(t.Context(), v, sink)
		var f *messages.ConnectionFailure
		if !errors.As(err, &f) || f.Next == 0 {
			return s, err
		}
	}
}

// tryDial dials as the worker does, and closes what it gets.
func tryDial(t *testing.T, d *mqtt.Dialer, v messages.Version) (messages.Connack, error) {
	t.Helper()
	s, err := dialOn(t, d, v, conform.NewSink(nil))
	if err != nil {
		return messages.Connack{}, err
	}
	s.Close()
	return s.Info(), nil
}

func causeOf(t *testing.T, err error) messages.Cause {
	t.Helper()
	var f *messages.ConnectionFailure
	if !errors.As(err, &f) {
		t.Fatalf("%v is no ConnectionFailure", err)
	}
	return f.Cause
}

// A server that takes 6 s for each CONNECT is used, with one CONNECT to drop a session
// that nobody knows and one to begin another.
func TestSlowConnect(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newCluster(func(string, int, wish) (string, time.Duration, bool) { return accepted311, 6 * time.Second, true })
		c := b.config("a")
		c.Sessions = newMemory()
		if _, err := tryDial(t, mqtt.NewDialer(c), messages.MQTT311); err != nil {
			t.Error(err)
		}
		if got := b.events(); len(got) != 2 {
			t.Errorf("the server saw %q", got)
		}
	})
}

// A server that does not answer in time gets twice as long the next time, and is not
// dialled before it has ended the connection; what it dropped is not dropped again.
func TestSlowerConnect(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newCluster(func(_ string, n int, _ wish) (string, time.Duration, bool) {
			return accepted311, []time.Duration{0, 12 * time.Second, 12 * time.Second, 12 * time.Second}[n-1], true
		})
		c := b.config("a")
		c.Sessions = newMemory()
		d := mqtt.NewDialer(c)
		if _, err := tryDial(t, d, messages.MQTT311); causeOf(t, err) != messages.Unanswered {
			t.Error(err)
		}
		if _, err := tryDial(t, d, messages.MQTT311); err != nil {
			t.Error(err)
		}
		if _, err := tryDial(t, d, messages.MQTT311); err != nil {
			t.Errorf("a server that is slow again: %v", err)
		}
		// The one that drops, one that is given up after 10 s and over after 12, and two that work.
		want := []string{"0s a: CONNECT 4", "0s a: CONNECT 4", "12s a: CONNECT 4", "24s a: CONNECT 4"}
		if got := b.events(); !slices.Equal(got, want) || b.busy {
			t.Errorf("the server saw %q, a CONNECT during another: %v", got, b.busy)
		}
	})
}

// One that never answers version 5 is asked for 3.1.1 after the second time, and from
// then on at once.
func TestMuteToVersion5(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newCluster(func(_ string, _ int, c wish) (string, time.Duration, bool) { return accepted311, 0, c.level == 4 })
		d := mqtt.NewDialer(b.config("a"))
		if _, err := tryDial(t, d, messages.MQTT5); causeOf(t, err) != messages.Unanswered {
			t.Error(err)
		}
		for range 2 {
			if info, err := tryDial(t, d, messages.MQTT5); err != nil || info.Version != messages.MQTT311 {
				t.Errorf("version %v: %v", info.Version, err)
			}
		}
		want := []string{
			"0s a: CONNECT 5", "10s a: DISCONNECT", "10s a: CONNECT 5", "30s a: DISCONNECT",
			"30s a: CONNECT 4", "30s a: CONNECT 4",
		}
		if got := b.events(); !slices.Equal(got, want) {
			t.Errorf("the server saw %q", got)
		}
	})
}

// A Dial tries one version of each server; the next one goes on where it has ended. What
// is returned in the end is why version 5 failed, unless 3.1.1 is understood.
func TestFallBack(t *testing.T) {
	t.Parallel()
	const refused5, credentials311 = "\x20\x03\x00\x84\x00", "\x20\x02\x00\x04"
	for name, c := range map[string]struct {
		to311 string
		want  messages.Cause
	}{
		"3.1.1 is refused, too":               {refused5, messages.ProtocolRefused},
		"3.1.1 is understood, but refused us": {credentials311, messages.BadCredentials},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newCluster(func(host string, _ int, w wish) (string, time.Duration, bool) {
					switch {
					case host == "a":
						return "\x20\x03\x00\x88\x00", 0, true
					case w.level == 5:
						return refused5, 0, true
					}
					return c.to311, 0, true
				})
				d := mqtt.NewDialer(b.config("a", "b"))
				_, err := d.Dial(t.Context(), messages.MQTT5, conform.NewSink(nil))
				var f *messages.ConnectionFailure
				if !errors.As(err, &f) || f.Next != messages.MQTT311 || f.Cause != messages.ProtocolRefused {
					t.Errorf("the first Dial: %+v", f)
				}
				_, err = d.Dial(t.Context(), messages.MQTT5, conform.NewSink(nil))
				if f = nil; !errors.As(err, &f) || f.Next != 0 || f.Cause != c.want {
					t.Errorf("the second Dial: %+v", f)
				}
				want := []string{"0s a: CONNECT 5", "0s b: CONNECT 5", "0s b: CONNECT 4"}
				if got := b.events(); !slices.Equal(got, want) {
					t.Errorf("the servers saw %q", got)
				}
			})
		})
	}
}

// The third server is reached though two do not answer, and each version is that of one
// server.
func TestServersApart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newCluster(func(host string, _ int, c wish) (string, time.Duration, bool) {
			return accepted5, 9 * time.Second, host == "c"
		})
		d := mqtt.NewDialer(b.config("a", "b", "c"))
		for range 3 {
			if info, err := tryDial(t, d, messages.MQTT5); err != nil || info.Version != messages.MQTT5 || info.Broker != "mqtt://c:1883" {
				t.Errorf("%+v: %v", info, err)
			}
		}
	})
}

// A session that is there though it was dropped is looked for again, then dropped again,
// and never used.
func TestSessionKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const kept = 3 // it is still there so often
		asked := 0
		b := newCluster(func(_ string, _ int, c wish) (string, time.Duration, bool) {
			if c.clean {
				return accepted311, 0, true
			}
			if asked++; asked <= kept || asked > kept+1 {
				return present311, 0, true
			}
			return accepted311, 0, true
		})
		c := b.config("a")
		m := newMemory()
		c.Sessions = m
		d := mqtt.NewDialer(c)
		for range kept {
			if _, err := tryDial(t, d, messages.MQTT311); causeOf(t, err) != messages.SessionKept {
				t.Error(err)
			}
		}
		m.storing = errors.New("redis is away")
		if _, err := tryDial(t, d, messages.MQTT311); !errors.Is(err, m.storing) {
			t.Error(err)
		}
		m.storing = nil
		if info, err := tryDial(t, d, messages.MQTT311); err != nil || !info.Present {
			t.Errorf("the session that was begun is not used: %+v, %v", info, err)
		}
		if n := len(b.events()); n != 2+kept+2 { // two that drop, and two that find it gone or begun
			t.Errorf("the server saw %q", b.events())
		}
	})
}
