package mqtt

import (
	"context"
	"fmt"

	"chanmqttproxy/messages"
)

// engine speaks one version on one connection, and is what differs between the
// versions. It reads what the broker sends and hands it to the Session.
type engine interface {
	version() messages.Version
	// connect sends CONNECT and waits for CONNACK, which it returns whatever it
	// says. One of success it hands to accept before it reads on.
	connect(ctx context.Context, h hello, accept func(packet)) (packet, error)
	// publish queues a PUBLISH. It never waits, and calls must not overlap. What
	// becomes of it on a dying connection is for the reader to tell.
	publish(id uint16, dup bool, m *messages.Message)
	// subscribe sends one SUBSCRIBE and waits for its SUBACK.
	subscribe(ctx context.Context, filters []messages.Want, identifier uint32) ([]byte, error)
	// unsubscribe sends one UNSUBSCRIBE and waits for its UNSUBACK.
	unsubscribe(ctx context.Context, filters []string) error
	// disconnect sends DISCONNECT where the connection still lives, gives the
	// broker the chance to hang up, and returns when nothing is read any more.
	// It is bounded by closeTimeout.
	disconnect()
}

// hello is what CONNECT says.
type hello struct {
	config   Config
	clientID string
}

func newEngine(v messages.Version, s *Session, user userLimit) (engine, error) {
	switch v {
	case messages.MQTT5:
		return newV5(s, user), nil
	case messages.MQTT311:
		return newV311(s), nil
	default:
		return nil, fmt.Errorf("MQTT version %d is not known", byte(v))
	}
}
