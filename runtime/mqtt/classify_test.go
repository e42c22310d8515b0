package mqtt_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/mqtt"
	"chanmqttproxy/test/conform"
	"chanmqttproxy/test/kit"
)

// scripted answers a CONNECT with bytes and closes, or stays silent.
func scripted(t *testing.T, answer []byte, silent, reset bool) *url.URL {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		_, _ = c.Read(make([]byte, 4096))
		_, _ = c.Write(answer)
		switch {
		case silent:
			_, _ = io.Copy(io.Discard, c)
		case reset:
			_ = c.(*net.TCPConn).SetLinger(0)
		}
	}()
	return &url.URL{Scheme: "mqtt", Host: l.Addr().String()}
}

func TestClassify(t *testing.T) {
	t.Parallel()
	const v5, v311 = messages.MQTT5, messages.MQTT311
	cases := []struct {
		name    string
		version messages.Version
		answer  string
		silent  bool
		reset   bool
		want    messages.Cause
		code    byte
	}{
		{"3.1.1 CONNACK to version 5", v5, "\x20\x02\x00\x01", false, false, messages.ProtocolRefused, 1},
		{"3.1.1 CONNACK without closing", v5, "\x20\x02\x00\x01", true, false, messages.ProtocolRefused, 1},
		{"3.1.1 CONNACK of another code", v5, "\x20\x02\x00\x05", false, false, messages.ProtocolRefused, 5},
		{"closed without a byte", v5, "", false, false, messages.ProtocolUnclear, 0},
		{"reset without a byte", v5, "", false, true, messages.ProtocolUnclear, 0},
		{"version 5 CONNACK with a 3.1.1 code", v5, "\x20\x03\x00\x01\x00", false, false, messages.ProtocolRefused, 1},
		{"unsupported protocol version", v5, "\x20\x03\x00\x84\x00", false, false, messages.ProtocolRefused, 0x84},
		{"client identifier not valid", v5, "\x20\x03\x00\x85\x00", false, false, messages.ClientIDRefused, 0x85},
		{"bad user name or password", v5, "\x20\x03\x00\x86\x00", false, false, messages.BadCredentials, 0x86},
		{"not authorized", v5, "\x20\x03\x00\x87\x00", false, false, messages.BadCredentials, 0x87},
		{"banned", v5, "\x20\x03\x00\x8a\x00", false, false, messages.BadCredentials, 0x8a},
		{"bad authentication method", v5, "\x20\x03\x00\x8c\x00", false, false, messages.BadCredentials, 0x8c},
		{"server moved", v5, "\x20\x07\x00\x9d\x04\x1c\x00\x01x", false, false, messages.BrokerRefused, 0x9d},
		{"silent", v5, "", true, false, messages.Unanswered, 0},
		{"half a CONNACK", v5, "\x20\x03\x00", true, false, messages.Network, 0},
		{"not MQTT", v5, "HTTP/1.1 400 Bad Request\r\n\r\n", false, false, messages.Network, 0},
		{"no CONNACK", v5, "\xd0\x00", false, false, messages.Network, 0},
		{"length of five bytes", v5, "\x20\xff\xff\xff\xff\x01", true, false, messages.Network, 0},
		{"huge length", v5, "\x20\xff\xff\xff\x7f", false, false, messages.Network, 0},
		{"3.1.1 refused version", v311, "\x20\x02\x00\x01", false, false, messages.ProtocolRefused, 1},
		{"3.1.1 identifier rejected", v311, "\x20\x02\x00\x02", false, false, messages.ClientIDRefused, 2},
		{"3.1.1 server unavailable", v311, "\x20\x02\x00\x03", false, false, messages.BrokerRefused, 3},
		{"3.1.1 bad user name or password", v311, "\x20\x02\x00\x04", false, false, messages.BadCredentials, 4},
		{"3.1.1 not authorized", v311, "\x20\x02\x00\x05", false, false, messages.BadCredentials, 5},
		{"3.1.1 closed without a byte", v311, "", false, false, messages.Network, 0},
		{"3.1.1 answered with 0x84", v311, "\x20\x02\x00\x84", false, false, messages.ProtocolRefused, 0x84},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := scripted(t, []byte(c.answer), c.silent, c.reset)
			f := refusal(t, c.version, config(server, func(to *mqtt.Config) { to.Timeout = 500 * time.Millisecond }))
			if f.Cause != c.want || f.Code != c.code {
				t.Fatalf("cause %q and code 0x%02x, want %q and 0x%02x: %v", f.Cause, f.Code, c.want, c.code, f)
			}
			if !strings.Contains(f.Error(), server.Host) {
				t.Errorf("the error does not name the broker: %v", f)
			}
		})
	}
}

// refusal is why a Dial fails.
func refusal(t *testing.T, v messages.Version, c mqtt.Config) *messages.ConnectionFailure {
	t.Helper()
	s, err := mqtt.NewDialer(c).Dial(t.Context(), v, conform.NewSink(nil))
	if err == nil {
		s.Close()
		t.Fatal("connecting worked")
	}
	var f *messages.ConnectionFailure
	if !errors.As(err, &f) {
		t.Fatalf("%v is no ConnectionFailure", err)
	}
	return f
}

func TestFakes(t *testing.T) {
	t.Parallel()
	if f := refusal(t, messages.MQTT5, config(kit.Closing(t).URL())); f.Cause != messages.ProtocolUnclear {
		t.Errorf("a broker that closes at version 5: %v", f)
	}
	if s, _ := connect(t, messages.MQTT5, config(kit.Refusing(t).URL())); s.Info().Version != messages.MQTT311 {
		t.Errorf("a broker that refuses version 5 is spoken to with %v", s.Info().Version)
	}
}

func TestBadCredentials(t *testing.T) {
	t.Parallel()
	m := kit.Mosquitto(t, kit.MosquittoPasswords(t, "site", "right")...)
	for _, v := range []messages.Version{messages.MQTT5, messages.MQTT311} {
		f := refusal(t, v, config(m.URL(), func(c *mqtt.Config) { c.User, c.Password = "site", "wrong-secret" }))
		if f.Cause != messages.BadCredentials || strings.Contains(f.Error(), "wrong-secret") {
			t.Errorf("MQTT %s: %v", v, f)
		}
		connect(t, v, config(m.URL(), func(c *mqtt.Config) { c.User, c.Password = "site", "right" }))
	}
}

// connect dials and closes at the end of the test.
func connect(t *testing.T, v messages.Version, c mqtt.Config) (*mqtt.Conn, *conform.Sink) {
	t.Helper()
	d := mqtt.NewDialer(c)
	sink := conform.NewSink(port{d})
	s, err := dialOn(t, d, v, sink)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s, sink
}

func TestServersInOrder(t *testing.T) {
	t.Parallel()
	dead := &url.URL{Scheme: "mqtt", Host: "127.0.0.1:1"}
	m := kit.Mosquitto(t)
	c := config(dead)
	c.Servers = append(c.Servers, m.URL())
	s, _ := connect(t, messages.MQTT5, c)
	if got := s.Info().Broker; got != m.URL().String() {
		t.Errorf("connected to %s, want %s", got, m.URL())
	}
	if f := refusal(t, messages.MQTT5, config(dead)); f.Cause != messages.Network {
		t.Errorf("nobody listens: %v", f)
	}
}

func TestClientIDFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("redis is away")
	c := config(&url.URL{Scheme: "mqtt", Host: "127.0.0.1:1"})
	c.ClientID = func(context.Context) (string, error) { return "", broken }
	if f := refusal(t, messages.MQTT5, c); !errors.Is(f, broken) || f.Cause != messages.Network {
		t.Errorf("no client id: %v", f)
	}
}
