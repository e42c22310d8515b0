// Package mqtt speaks MQTT 5 and MQTT 3.1.1 to a broker.
//
// A Dialer opens a Session, which is one live connection: it is never
// reconnected, tells its Sink once when it is lost, and is then good for
// nothing but Close. What MQTT calls the session state, the packet ids of
// messages half way (section 4.1), stays in the Dialer and passes from one
// Session to the next, so that QoS 2 holds across connections.
//
// MQTT 5 is spoken by the client of paho.golang (v5*.go): it connects, reads,
// writes and asks. It is given our connection, session state and pinger, for
// its own lose the receipt of an asynchronous publish and, when a connection
// breaks, the ids of inbound QoS 2; they can panic in a goroutine that nobody
// can recover, and notice a frozen broker after two keep-alives. Inbound PUBLISH
// packets the connection keeps from it, so that they are handled in one order
// with PUBREL and no queue lies between the socket and the Sink. In both versions they are
// read here (frame.go, publish.go): what is too large is skipped without being held, and
// user properties are counted before any is made. MQTT 3.1.1 is
// spoken by an engine of our own (v311*.go) on the codec of paho.mqtt.golang,
// whose client doubles inbound QoS 2 across cuts.
//
// Topic aliases are not used: they save bytes but no packet, and those of the
// library's extension panic once all are given out.
//
// Both share the connection (conn.go, frame.go), the session state (state.go),
// the two directions of messages (outbound.go, inbound.go) and the keep-alive.
//
// Nothing here waits for a Sink, a broker or a network without a limit: writes
// are buffered and sent by one goroutine, a publisher waits for room under its
// context, and a silent broker is noticed within one and a half keep-alives.
//
// One wait is as long as it takes: a reader with too many unacknowledged
// deliveries reads no further (pace.go), and TCP holds the broker back. What
// was published and asked meanwhile gets its answer afterwards. The broker is
// pinged, but not suspected; a socket that is gone is noticed by the ping.
package mqtt
