// Package mqtt speaks MQTT 5 and MQTT 3.1.1 to a broker.
//
// A Dialer opens a Session, which is one live connection: it is never
// reconnected, tells its Sink once when it is lost, and is then good for
// nothing but Close. What MQTT calls the session state, the packet ids of
// messages half way (section 4.1), stays in the Dialer and passes from one
// Session to the next, so that QoS 2 holds across connections.
//
// One engine (engine.go) speaks both versions: it reads packets, hands them to the
// Session and matches answers with questions. A codec encodes and decodes the packets of
// one version: codec5.go with those of paho.golang, codec311.go with those of
// paho.mqtt.golang. The clients of these libraries are not used. The one for MQTT 5 loses
// the receipt of an asynchronous publish and, when a connection breaks, the ids of inbound
// QoS 2; it can panic in a goroutine that nobody can recover, queues messages between the
// socket and the Sink, and notices a frozen broker after two keep-alives. The one for
// 3.1.1 doubles inbound QoS 2 across cuts.
//
// PUBLISH is read here in both versions (frame.go, publish.go): what is too large is
// skipped without being held, and user properties are counted before any is made.
//
// Topic aliases are not used: they save bytes but no packet.
//
// The rest is the connection (conn.go, frame.go), the session state (state.go), the two
// directions of messages (outbound.go, inbound.go) and the keep-alive.
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
