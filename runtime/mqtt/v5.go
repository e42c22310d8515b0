package mqtt

import (
	"context"
	"errors"
	"math"
	"net"
	"time"

	"chanmqttproxy/messages"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	paholog "github.com/eclipse/paho.golang/paho/log"
	"github.com/eclipse/paho.golang/paho/session"
)

// v5 speaks MQTT 5: a paho.Client does, on our connection (v5_conn.go) and with
// our session state (v5_state.go).
type v5 struct {
	session *Session
	conn    *conn5
	state   *state5
	client  *paho.Client
}

func newV5(s *Session, user userLimit) *v5 {
	e := &v5{session: s, conn: newConn5(s.conn, user), state: &state5{session: s}}
	e.client = paho.NewClient(paho.ClientConfig{
		Conn:          e.conn,
		Session:       e.state,
		PingHandler:   pinger{s.conn},
		AuthHandler:   noAuth{},
		PacketTimeout: math.MaxInt64, // the callers' contexts say how long
		OnServerDisconnect: func(d *paho.Disconnect) {
			s.end(disconnected(s.doing(), disconnect5(d)))
		},
		OnClientError: s.lost,
	})
	return e
}

func (*v5) version() messages.Version { return messages.MQTT5 }

func (e *v5) connect(ctx context.Context, h hello, accept func(packet)) (packet, error) {
	e.state.accept = func(p packet) {
		e.conn.received = e.session.received
		accept(p)
	}
	ack, err := e.client.Connect(ctx, connect5(h))
	switch {
	case ack != nil && ack.ReasonCode != 0:
		return refusal5of(ack), nil
	case err != nil:
		return packet{}, err
	}
	e.session.work.Go(func() { <-e.client.Done() })
	return packet{kind: typeConnack}, nil
}

func (e *v5) publish(id uint16, dup bool, m *messages.Message) {
	e.state.id, e.state.dup = id, dup
	_, _ = e.client.PublishWithOptions(context.Background(), publish5(m),
		paho.PublishOptions{Method: paho.PublishMethod_AsyncSend})
}

func (e *v5) subscribe(ctx context.Context, filters []messages.Want, identifier uint32) ([]byte, error) {
	ack, err := e.client.Subscribe(ctx, subscribe5(filters, identifier))
	if ack != nil { // a filter that was refused is an error to the library
		return ack.Reasons, nil
	}
	return nil, e.lost(err)
}

func (e *v5) unsubscribe(ctx context.Context, filters []string) error {
	ack, err := e.client.Unsubscribe(ctx, &paho.Unsubscribe{Topics: filters})
	if ack != nil {
		return nil
	}
	return e.lost(err)
}

// lost prefers why the connection was lost.
func (e *v5) lost(err error) error {
	if errors.Is(err, paho.ErrConnectionLost) || errors.Is(err, session.ErrNoConnection) {
		return e.session.conn.why(err)
	}
	return err
}

func (e *v5) disconnect() {
	e.conn.leaving.Store(true)
	_ = e.client.Disconnect(&paho.Disconnect{})
}

// pinger keeps the connection alive as under MQTT 3.1.1. The library's own
// notices a frozen broker after two intervals.
type pinger struct{ conn *conn }

// Run returns when the connection has ended, of which the reader tells.
func (p pinger) Run(_ context.Context, _ net.Conn, seconds uint16) error {
	p.conn.keepAlive(time.Duration(seconds) * time.Second)
	return nil
}

func (pinger) PacketSent()               {}
func (pinger) PacketReceived()           {}
func (p pinger) PingResp()               { p.conn.ponged() }
func (pinger) SetDebug(_ paholog.Logger) {}

// noAuth is there since the library calls the handler when a CONNACK names an
// authentication method, even if nobody asked for one. AUTH packets do not get
// as far as here.
type noAuth struct{}

func (noAuth) Authenticate(*paho.Auth) *paho.Auth {
	return &paho.Auth{ReasonCode: packets.AuthContinueAuthentication}
}

func (noAuth) Authenticated() {}
