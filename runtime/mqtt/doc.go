// Package mqtt speaks MQTT 5 and MQTT 3.1.1 to a broker.
//
// A Dialer opens a Conn, which is one live connection. It never reconnects: when it is lost it
// calls its Sink once, and only Close may follow. The session state of MQTT, which is the packet
// ids of messages half way (section 4.1), stays in the Dialer. It passes from one Conn to the
// next, so that QoS 2 holds across connections.
//
// One engine (engine.go) speaks both versions. It reads packets, passes them to the Conn, and
// matches answers with requests. A codec encodes and decodes the packets of one version: codec5.go
// with paho.golang, codec311.go with paho.mqtt.golang. The clients of these libraries are not used.
// That for MQTT 5 loses the receipt of an asynchronous publish and, when a connection breaks, the
// ids of inbound QoS 2. It can panic in a goroutine that nobody can recover, queues messages
// between the socket and the Sink, and notices a frozen broker after two keep-alives. That for
// 3.1.1 doubles inbound QoS 2 across connections.
//
// PUBLISH is read here in both versions (frame.go, publish.go): what is too large is
// skipped without being held, and user properties are counted before any is made.
//
// Topic aliases are not used: they save bytes but no packet.
//
// The rest is the byte stream (stream.go, frame.go), the session state (state.go), the two
// directions of messages (outbound.go, inbound.go) and the keep-alive.
//
// Nothing here waits for a Sink, a broker or a network without a limit. Writes are buffered and sent
// by one goroutine, a publisher waits for room under its context, and a silent broker is noticed
// within one and a half keep-alives.
//
// One wait has no limit: a reader with too many unacknowledged deliveries reads no further (pace.go),
// and TCP holds the broker back. Publishes and requests get their answers afterwards. The broker is
// still pinged, and its silence does not count; the ping notices a socket that is gone.
package mqtt
