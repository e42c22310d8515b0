package actors

import "chanmqttproxy/messages"

// flapping is how many connections in a row must break soon after they were made for the
// hint at a second client. Most brokers say nothing when they close a connection whose
// session another client has taken.
const flapping = 3

// hint says what a person can do about a failure. brief is how many connections broke soon
// after they were made.
func hint(f *messages.SessionFailure, brief int) string {
	switch {
	case hints[f.Detail] != "":
		return hints[f.Detail]
	case f.Cause == messages.BadCredentials:
		return "check MQTT_USER, MQTT_PASSWORD and the broker's access rules"
	case f.Cause == messages.ClientIDRefused:
		return "set MQTT_CLIENT_ID to one that the broker accepts"
	case f.Cause == messages.TakenOver:
		return "another program uses this client id: give each its own MQTT_CLIENT_ID"
	case f.Cause == messages.ProtocolRefused:
		return "nothing: 3.1.1 is tried as well"
	case f.Cause == messages.ProtocolUnclear:
		return "nothing: 3.1.1 is tried as well; if that fails too, check whether the port wants TLS: mqtts:// in MQTT_HOST"
	case f.Cause == messages.Unanswered:
		return "nothing if the broker is just slow: it gets more time, and 3.1.1 is tried as well; else check MQTT_HOST, and whether the port wants TLS"
	case f.Cause == messages.SessionReplayed:
		return "nothing: the worker begins another session; the broker should be updated"
	case f.Cause == messages.SessionKept:
		return "nothing, unless it lasts: then restart the broker, or set another MQTT_CLIENT_ID"
	case f.Cause == messages.BrokerRefused && refusals[f.Code] != "":
		return refusals[f.Code]
	case brief >= flapping:
		return "look into the broker's log; if another program uses this client id, give each its own MQTT_CLIENT_ID"
	default:
		return "check MQTT_HOST and that the broker runs"
	}
}

// hints say what to do about failures that Detail tells apart.
var hints = map[messages.Detail]string{
	messages.NameNotFound:      "check the name of the host in MQTT_HOST, and that it can be looked up on this machine",
	messages.ConnectionRefused: "check that the broker runs, and listens where MQTT_HOST and MQTT_PORT say",
	messages.UnknownAuthority:  "set MQTT_TLS_CA to the certificate of the authority (CA) that signed the broker's",
	messages.OtherName:         "set MQTT_HOST to a name that the broker's certificate is for",
	messages.OutOfDate:         "renew the broker's certificate, or set this machine's clock",
	messages.BadCertificate:    "give the broker a certificate that is valid for TLS servers",
	messages.NoTLS:             "set MQTT_HOST to mqtt://, or MQTT_PORT to the port for TLS",
	messages.ClientCertificate: "set MQTT_TLS_CERT and MQTT_TLS_KEY to a certificate that the broker accepts",
	messages.WebSocketRefused:  "check the path in MQTT_HOST: with many brokers it is /mqtt",
	messages.HandshakeClosed:   "set MQTT_HOST to mqtt://, or MQTT_PORT to the port for TLS; if that is right, look into the broker's log",
	messages.NotMQTT:           "set MQTT_HOST and MQTT_PORT to where the broker speaks MQTT, and to mqtts:// where it wants TLS",
}

// publishHint says what to do about a publish that was refused.
func publishHint(code byte) string {
	switch code {
	case 0x87:
		return "check the broker's access rules"
	case 0x90:
		return "publish to a topic that the broker accepts"
	case packetTooLarge:
		return "send less, or raise the broker's maximum packet size"
	case 0x97:
		return "raise the broker's quota"
	case 0x99:
		return "leave out payload_format, or send what it says"
	case 0x9A:
		return "the broker retains nothing: publish with retain false"
	case 0x9B:
		return "publish with a lower qos, or with none"
	default:
		return "look into the broker's log"
	}
}

// birthHint says what to do about a birth message that was refused.
func birthHint(code byte) string {
	switch code {
	case 0x87:
		return "let the worker's user publish to MQTT_BIRTH_TOPIC"
	case 0x90:
		return "set MQTT_BIRTH_TOPIC to one that the broker accepts"
	case packetTooLarge:
		return "shorten MQTT_BIRTH_PAYLOAD"
	case 0x9A:
		return "the broker retains nothing: unset MQTT_BIRTH_RETAIN"
	case 0x9B:
		return "lower MQTT_BIRTH_QOS"
	default:
		return "look into the broker's log"
	}
}

// subscribeHint says what to do about a filter that was refused.
func subscribeHint(code byte) string {
	switch code {
	case 0x80, 0x87: // 3.1.1 has no other than 0x80
		return "check the broker's access rules"
	case 0x8F:
		return "subscribe to a filter that the broker accepts"
	case 0x97:
		return "raise the broker's quota"
	case 0x9E:
		return "the broker has no shared subscriptions: subscribe with shared false"
	case 0xA2:
		return "the broker takes no wildcards: subscribe to each topic"
	default:
		return "look into the broker's log"
	}
}

// refusals are hints for reason codes of CONNACK and DISCONNECT (MQTT 5, 2.4).
var refusals = map[byte]string{
	0x88: "nothing, unless it lasts",
	0x89: "nothing, unless it lasts",
	0x8B: "nothing, unless it lasts",
	0x90: "set MQTT_WILL_TOPIC to one that the broker accepts",
	0x98: "ask those who run the broker: it was their doing",
	0x9A: "the broker retains nothing: unset MQTT_WILL_RETAIN",
	0x9B: "the broker does not take this QoS: lower MQTT_WILL_QOS",
	0x9C: "set MQTT_HOST to the server that the broker names",
	0x9D: "set MQTT_HOST to the server that the broker names",
}
