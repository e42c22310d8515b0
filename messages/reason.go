package messages

import "fmt"

// Reason codes of MQTT 5 (section 2.4) that the worker treats in a way of their own. All
// from ReasonUnspecified on mean a failure.
const (
	ReasonUnspecified           = 0x80
	ReasonProtocolError         = 0x82
	ReasonImplementation        = 0x83
	ReasonUnsupportedVersion    = 0x84
	ReasonClientIDInvalid       = 0x85
	ReasonBadUserOrPassword     = 0x86
	ReasonNotAuthorized         = 0x87
	ReasonServerUnavailable     = 0x88
	ReasonServerBusy            = 0x89
	ReasonBanned                = 0x8A
	ReasonServerShuttingDown    = 0x8B
	ReasonBadAuthentication     = 0x8C
	ReasonTakenOver             = 0x8E
	ReasonFilterInvalid         = 0x8F
	ReasonTopicInvalid          = 0x90
	ReasonIDNotFound            = 0x92
	ReasonPacketTooLarge        = 0x95
	ReasonQuotaExceeded         = 0x97
	ReasonAdministrativeAction  = 0x98
	ReasonPayloadFormatInvalid  = 0x99
	ReasonRetainNotSupported    = 0x9A
	ReasonQoSNotSupported       = 0x9B
	ReasonUseAnotherServer      = 0x9C
	ReasonServerMoved           = 0x9D
	ReasonSharedNotSupported    = 0x9E
	ReasonWildcardsNotSupported = 0xA2
)

// reasons are the reason codes of MQTT 5 section 2.4 that mean a failure.
var reasons = map[byte]string{
	0x80: "unspecified error",
	0x81: "malformed packet",
	0x82: "protocol error",
	0x83: "implementation specific error",
	0x84: "unsupported protocol version",
	0x85: "client identifier not valid",
	0x86: "bad user name or password",
	0x87: "not authorized",
	0x88: "server unavailable",
	0x89: "server busy",
	0x8A: "banned",
	0x8B: "server shutting down",
	0x8C: "bad authentication method",
	0x8D: "keep alive timeout",
	0x8E: "session taken over",
	0x8F: "topic filter invalid",
	0x90: "topic name invalid",
	0x91: "packet identifier in use",
	0x92: "packet identifier not found",
	0x93: "receive maximum exceeded",
	0x94: "topic alias invalid",
	0x95: "packet too large",
	0x96: "message rate too high",
	0x97: "quota exceeded",
	0x98: "administrative action",
	0x99: "payload format invalid",
	0x9A: "retain not supported",
	0x9B: "QoS not supported",
	0x9C: "use another server",
	0x9D: "server moved",
	0x9E: "shared subscriptions not supported",
	0x9F: "connection rate exceeded",
	0xA0: "maximum connect time",
	0xA1: "subscription identifiers not supported",
	0xA2: "wildcard subscriptions not supported",
}

// Reason says a reason code of MQTT 5, or the 0x80 of a 3.1.1 SUBACK, in words.
func Reason(code byte) string {
	if words, ok := reasons[code]; ok {
		return words
	}
	return fmt.Sprintf("reason code 0x%02x", code)
}
