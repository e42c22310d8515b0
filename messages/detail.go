package messages

// Detail tells failures of one Cause apart where people have different things to do. The
// zero value says nothing.
type Detail byte

// The details.
const (
	_ Detail = iota
	// NameNotFound: the look-up of the host's name failed.
	NameNotFound
	// ConnectionRefused: nobody listens there.
	ConnectionRefused
	// Unreachable: there is no way to the host.
	Unreachable
	// TimedOut: nobody answered in time.
	TimedOut
	// UnknownAuthority: no authority that we trust has signed the server's certificate.
	UnknownAuthority
	// OtherName: the server's certificate is for other hosts.
	OtherName
	// OutOfDate: the server's certificate is not valid yet, or not any more.
	OutOfDate
	// BadCertificate: something else is wrong with the server's certificate.
	BadCertificate
	// NoTLS: the server does not speak TLS.
	NoTLS
	// ClientCertificate: the server wants another certificate of ours, or one at all.
	ClientCertificate
	// WebSocketRefused: the server answered, but with no WebSocket.
	WebSocketRefused
	// NotMQTT: what answers does not speak MQTT.
	NotMQTT
	// HandshakeClosed: the server closed the connection in the TLS handshake, as many do at
	// a port without TLS.
	HandshakeClosed
)

// String says the detail in a few words; the zero value is "".
func (d Detail) String() string {
	return [...]string{
		NameNotFound:      "host name not found",
		ConnectionRefused: "connection refused",
		Unreachable:       "host not reachable",
		TimedOut:          "no answer in time",
		UnknownAuthority:  "certificate of an unknown authority",
		OtherName:         "certificate of another host",
		OutOfDate:         "certificate out of date",
		BadCertificate:    "certificate not valid",
		NoTLS:             "the server does not speak TLS",
		ClientCertificate: "client certificate refused",
		WebSocketRefused:  "the server answers with no WebSocket",
		NotMQTT:           "the server does not speak MQTT",
		HandshakeClosed:   "closed in the TLS handshake, as by a port without TLS",
	}[d]
}
