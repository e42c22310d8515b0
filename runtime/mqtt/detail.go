package mqtt

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"syscall"

	"chanmqttproxy/messages"
)

// DetailOf returns why there is no connection to a server, a broker or another one; 0 if the error
// does not show it.
func DetailOf(err error) messages.Detail {
	var date x509.CertificateInvalidError
	switch {
	case errors.As(err, new(*net.DNSError)):
		return messages.NameNotFound
	case errors.Is(err, syscall.ECONNREFUSED):
		return messages.ConnectionRefused
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return messages.Unreachable
	case errors.As(err, new(x509.HostnameError)):
		return messages.OtherName
	case errors.As(err, &date) && date.Reason == x509.Expired:
		return messages.OutOfDate
	case errors.As(err, new(x509.UnknownAuthorityError)):
		return messages.UnknownAuthority
	case errors.As(err, new(*tls.CertificateVerificationError)):
		return messages.BadCertificate
	case errors.As(err, new(tls.RecordHeaderError)):
		return messages.NoTLS
	case isCertificateAlert(err):
		return messages.ClientCertificate
	case errors.As(err, new(*noWebSocket)):
		return messages.WebSocketRefused
	case errors.Is(err, errHandshake):
		return messages.HandshakeClosed
	case errors.Is(err, errNotBinary), errors.Is(err, errRemainingLength):
		return messages.NotMQTT
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, syscall.ETIMEDOUT):
		return messages.TimedOut
	}
	return 0
}
