package mqtt

import "chanmqttproxy/messages"

// reasons311 are the return codes of a 3.1.1 CONNACK (section 3.2.2.3).
var reasons311 = map[byte]string{
	1: "unacceptable protocol version",
	2: "client identifier rejected",
	3: "server unavailable",
	4: "bad user name or password",
	5: "not authorized",
}

// describe says a reason code of either version: they do not overlap.
func describe(code byte) string {
	if words, ok := reasons311[code]; ok {
		return words
	}
	return messages.Reason(code)
}
