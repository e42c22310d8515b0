// Package hint says what a person can do about a failure: the text behind "hint" in a log
// line.
package hint

import (
	"chanmqttproxy/actors/reconcile"
	"chanmqttproxy/messages"
)

// flapping is how many connections in a row must break soon after they were made for the
// hint at a second client. Most brokers say nothing when they close a connection whose
// session another client has taken.
const flapping = 3

// Connection is the hint for a connection that failed or broke; brief is how many in a
// row broke soon after they were made.
func Connection(f *messages.ConnectionFailure, brief int) string {
	switch {
	case details[f.Detail] != "":
		return details[f.Detail]
	case causes[f.Cause] != "":
		return causes[f.Cause]
	case f.Cause == messages.BrokerRefused && refusals[f.Code] != "":
		return refusals[f.Code]
	case brief >= flapping:
		return "look into the broker's log; if another program uses this client id, give each its own MQTT_CLIENT_ID"
	default:
		return "check MQTT_HOST and that the broker runs"
	}
}

// details are the hints for failures that have a detail, which is more exact than a cause.
var details = map[messages.Detail]string{
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

// causes are the hints for failures that have a cause, but no detail.
var causes = map[messages.Cause]string{
	messages.BadCredentials:  "check MQTT_USER, MQTT_PASSWORD and the broker's access rules",
	messages.ClientIDRefused: "set MQTT_CLIENT_ID to one that the broker accepts",
	messages.TakenOver:       "another program uses this client id: give each its own MQTT_CLIENT_ID",
	messages.ProtocolRefused: "nothing: 3.1.1 is tried as well",
	messages.ProtocolUnclear: "nothing: 3.1.1 is tried as well; if that fails too, check whether the port wants TLS: mqtts:// in MQTT_HOST",
	messages.Unanswered:      "nothing if the broker is just slow: it gets more time, and 3.1.1 is tried as well; else check MQTT_HOST, and whether the port wants TLS",
	messages.SessionReplayed: "nothing: the worker begins another session; the broker should be updated",
	messages.SessionKept:     "nothing, unless it lasts: then restart the broker, or set another MQTT_CLIENT_ID",
}

// Publish is the hint for a publish that was refused with that reason code.
func Publish(code byte) string {
	switch code {
	case messages.ReasonNotAuthorized:
		return "check the broker's access rules"
	case messages.ReasonTopicInvalid:
		return "publish to a topic that the broker accepts"
	case messages.ReasonPacketTooLarge:
		return "send less, or raise the broker's maximum packet size"
	case messages.ReasonQuotaExceeded:
		return "raise the broker's quota"
	case messages.ReasonPayloadFormatInvalid:
		return "leave out payload_format, or send what it says"
	case messages.ReasonRetainNotSupported:
		return "the broker retains nothing: publish with retain false"
	case messages.ReasonQoSNotSupported:
		return "publish with a lower qos, or with none"
	default:
		return "look into the broker's log"
	}
}

// Birth is the hint for a birth message that was refused with that reason code.
func Birth(code byte) string {
	switch code {
	case messages.ReasonNotAuthorized:
		return "let the worker's user publish to MQTT_BIRTH_TOPIC"
	case messages.ReasonTopicInvalid:
		return "set MQTT_BIRTH_TOPIC to one that the broker accepts"
	case messages.ReasonPacketTooLarge:
		return "shorten MQTT_BIRTH_PAYLOAD"
	case messages.ReasonRetainNotSupported:
		return "the broker retains nothing: unset MQTT_BIRTH_RETAIN"
	case messages.ReasonQoSNotSupported:
		return "lower MQTT_BIRTH_QOS"
	default:
		return "look into the broker's log"
	}
}

// Subscribe is the hint for a filter that was refused: with that reason code, or in
// another way.
func Subscribe(kind reconcile.Kind, code byte) string {
	switch kind {
	case reconcile.Closed, reconcile.Silent:
		return "look into the broker's log, and check its access rules"
	case reconcile.Full:
		return tooMany
	}
	switch code {
	case messages.ReasonUnspecified, messages.ReasonNotAuthorized: // 3.1.1 has no other than the first
		return "check the broker's access rules"
	case messages.ReasonFilterInvalid:
		return "subscribe to a filter that the broker accepts"
	case messages.ReasonQuotaExceeded:
		return tooMany
	case messages.ReasonSharedNotSupported:
		return "the broker has no shared subscriptions: subscribe with shared false"
	case messages.ReasonWildcardsNotSupported:
		return "the broker takes no wildcards: subscribe to each topic"
	default:
		return "look into the broker's log"
	}
}

const tooMany = "raise the broker's limit of subscriptions for one client; or subscribe to one filter with wildcards in place of many, or set MQTT_SESSIONS"

// refusals are hints for reason codes of CONNACK and DISCONNECT (MQTT 5, 2.4).
var refusals = map[byte]string{
	messages.ReasonServerUnavailable:    "nothing, unless it lasts",
	messages.ReasonServerBusy:           "nothing, unless it lasts",
	messages.ReasonServerShuttingDown:   "nothing, unless it lasts",
	messages.ReasonTopicInvalid:         "set MQTT_WILL_TOPIC to one that the broker accepts",
	messages.ReasonAdministrativeAction: "ask those who run the broker: it was their doing",
	messages.ReasonRetainNotSupported:   "the broker retains nothing: unset MQTT_WILL_RETAIN",
	messages.ReasonQoSNotSupported:      "the broker does not take this QoS: lower MQTT_WILL_QOS",
	messages.ReasonUseAnotherServer:     "set MQTT_HOST to the server that the broker names",
	messages.ReasonServerMoved:          "set MQTT_HOST to the server that the broker names",
}
