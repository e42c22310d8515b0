// Package mqtt speaks MQTT 5 and MQTT 3.1.1 to a broker.
//
// A Dialer opens a Session, which is one live connection: it is never
// reconnected, tells its Sink once when it is lost, and is then good for
// nothing but Close. What MQTT calls the session state, the packet ids of
// messages half way (section 4.1), stays in the Dialer and passes from one
// Session to the next, so that QoS 2 holds across connections.
//
// Both versions share everything but the encoding of packets: the connection
// (conn.go, frame.go), the two directions of messages (outbound.go,
// inbound.go), subscribing, the keep-alive and the end of a session. The
// codecs are those of the two Eclipse Paho libraries (v5.go, v311.go). Their
// clients are not used: neither tells when an asynchronous publish was
// acknowledged, passes on all subscription identifiers, or lets QoS 2 survive
// a cut, and the MQTT 5 one can panic in a goroutine of its own.
//
// Nothing here waits for a Sink, a broker or a network without a limit: writes
// are buffered and sent by one goroutine, a publisher waits for room under its
// context, and a silent broker is noticed within one and a half keep-alives.
package mqtt
