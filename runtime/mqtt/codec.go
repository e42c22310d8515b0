package mqtt

import (
	"bytes"
	"errors"
	"fmt"

	"chanmqttproxy/messages"
)

var errQoS3 = errors.New("the broker sent a PUBLISH of QoS 3") // [MQTT-3.3.1-4]

// codec encodes and decodes the packets of one version.
type codec interface {
	version() messages.Version
	// The writers add one packet to what is queued.
	writeConnect(w *bytes.Buffer, h connectOptions) error
	writePublish(w *bytes.Buffer, id uint16, dup bool, m *messages.Message) error
	writeSubscribe(w *bytes.Buffer, id uint16, filters []messages.Desired, identifier uint32) error
	writeUnsubscribe(w *bytes.Buffer, id uint16, filters []string) error
	// decode reads one packet, of which it keeps nothing but what decodePublish does.
	decode(f frame) (packet, error)
}

func newCodec(v messages.Version, user userLimit) (codec, error) {
	switch v {
	case messages.MQTT5:
		return codec5{user}, nil
	case messages.MQTT311:
		return codec311{}, nil
	default:
		return nil, fmt.Errorf("MQTT version %d is not known", byte(v))
	}
}

// recovered makes a panic of a library's codec over a malformed packet an error: in the
// reader's goroutine it would end the process.
func recovered(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("malformed packet: %v", r)
	}
}

func unexpectedType(kind byte) error {
	return fmt.Errorf("the broker sent a packet of type %d", kind)
}
