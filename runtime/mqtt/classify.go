package mqtt

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"chanmqttproxy/messages"
)

// refusal5 classifies the reason code of a version 5 CONNACK or DISCONNECT. Codes below 0x80 are
// those of 3.1.1, from a broker that answers a version 5 CONNECT in that version.
func refusal5(code byte) messages.Cause {
	switch {
	case code == messages.ReasonUnsupportedVersion || code < 0x80:
		return messages.ProtocolRefused
	case code == messages.ReasonBadUserOrPassword, code == messages.ReasonNotAuthorized, code == messages.ReasonBanned, code == messages.ReasonBadAuthentication:
		return messages.BadCredentials
	case code == messages.ReasonClientIDInvalid:
		return messages.ClientIDRefused
	case code == messages.ReasonTakenOver:
		return messages.TakenOver
	default:
		return messages.BrokerRefused
	}
}

// refusal311 classifies the return code of a 3.1.1 CONNACK (section 3.2.2.3).
func refusal311(code byte) messages.Cause {
	switch code {
	case 1, messages.ReasonUnsupportedVersion:
		return messages.ProtocolRefused
	case 2:
		return messages.ClientIDRefused
	case 4, 5:
		return messages.BadCredentials
	default:
		return messages.BrokerRefused
	}
}

func refusal(v messages.Version, code byte) messages.Cause {
	if v == messages.MQTT311 {
		return refusal311(code)
	}
	return refusal5(code)
}

// refused is the failure for a CONNACK that refuses.
func refused(doing string, v messages.Version, p packet) *messages.ConnectionFailure {
	err := errors.New(describe(p.code))
	if p.reason != "" {
		err = fmt.Errorf("%s (%s)", describe(p.code), p.reason)
	}
	return &messages.ConnectionFailure{Doing: doing, Cause: refusal(v, p.code), Code: p.code, Err: err}
}

// unanswered classifies the failure of a connection without a CONNACK. first are the bytes that
// came instead.
func unanswered(doing string, v messages.Version, first []byte, err error) *messages.ConnectionFailure {
	f := &messages.ConnectionFailure{Doing: doing, Cause: messages.Network, Err: err}
	switch {
	case errors.Is(err, context.Canceled):
	case errors.Is(err, context.DeadlineExceeded):
		if len(first) == 0 {
			f.Cause = messages.Unanswered
		}
	case isConnack311(first) && v == messages.MQTT5:
		f.Cause = messages.ProtocolRefused
		f.Err = errors.New("the broker answered as MQTT 3.1.1 does")
		if len(first) > 3 {
			f.Code = first[3]
		}
	case isCertificateAlert(err):
		f.Cause, f.Detail = messages.BadCredentials, messages.ClientCertificate
	case len(first) > 0:
		f.Detail = messages.NotMQTT
		f.Err = fmt.Errorf("what answers does not speak MQTT: %w", err)
	case v == messages.MQTT5 && isHangup(err):
		f.Cause = messages.ProtocolUnclear
	default:
		f.Detail = DetailOf(err)
	}
	return f
}

// isConnack311 says whether the first bytes are those of a CONNACK without properties.
func isConnack311(first []byte) bool {
	return len(first) >= 2 && first[0] == typeConnack<<4 && first[1] == 2
}

// isHangup says whether the peer has closed the connection, in order or not.
func isHangup(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// isCertificateAlert says whether the peer has refused our certificate, or wants one. Under TLS 1.3
// this comes after the handshake, in place of the CONNACK.
func isCertificateAlert(err error) bool {
	var alert tls.AlertError
	if errors.As(err, &alert) {
		return strings.Contains(alert.Error(), "certificate")
	}
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "remote error" && strings.Contains(op.Err.Error(), "certificate")
}

// undialled classifies the failure to make a connection.
func undialled(doing string, err error) *messages.ConnectionFailure {
	cause := messages.Network
	if isCertificateAlert(err) {
		cause = messages.BadCredentials
	}
	return &messages.ConnectionFailure{Doing: doing, Cause: cause, Detail: DetailOf(err), Err: err}
}

// disconnected classifies the DISCONNECT of a version 5 broker.
func disconnected(doing string, p packet) *messages.ConnectionFailure {
	if p.code < 0x80 {
		return &messages.ConnectionFailure{Doing: doing, Cause: messages.BrokerRefused, Code: p.code, Closed: true, Err: errEnded}
	}
	f := refused(doing, messages.MQTT5, p)
	f.Closed = true
	return f
}
