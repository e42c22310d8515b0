package command

import (
	"fmt"
	"strconv"
	"strings"

	"chanmqttproxy/messages"
	"chanmqttproxy/messages/python"
)

// The codes of Error. They are part of what a site sees and do not change.
const (
	MissingKey  = "missing-key"  // a key that must be there is not
	UnknownKey  = "unknown-key"  // a key that the command does not have
	UnknownType = "unknown-type" // no command is called that
	BadType     = "bad-type"     // a value of the wrong Python type
	BadValue    = "bad-value"    // right type, but not one of the values allowed
	BadTopic    = "bad-topic"    // no topic that can be published to
	BadFilter   = "bad-filter"   // no topic filter
	BadName     = "bad-name"     // no name of a group or channel
	Unsupported = "unsupported"  // right, but not what this version can do
)

// Error says what is wrong with a command. It holds no payload, and of other
// values at most the first 60 characters.
type Error struct {
	// Code is one of the constants above.
	Code string
	// Key is where: "qos", or "publish.topic" inside of another.
	Key string
	// Reason says what is wrong, and with what.
	Reason string
}

// Error is the text for logs and for the site.
func (e *Error) Error() string { return e.Key + ": " + e.Reason }

func fail(code, key, format string, args ...any) *Error {
	return &Error{Code: code, Key: key, Reason: fmt.Sprintf(format, args...)}
}

// quote shows text of a site, shortened.
func quote(s string) string {
	short := shorten(s)
	quoted := strconv.Quote(short)
	if short != s {
		quoted += "..."
	}
	return quoted
}

// shorten returns the first 60 characters.
func shorten(s string) string {
	const most = 60
	count := 0
	for i := range s {
		if count++; count > most {
			return s[:i]
		}
	}
	return s
}

// plain is quote without the quotes, for a key that should be readable.
func plain(s string) string { return strings.ReplaceAll(quote(s), `"`, "") }

// shown is a value of a wrong type, where it is one that may be shown.
func shown(v messages.Value) string {
	switch v := v.(type) {
	case bool, int64, uint64, float64:
		return python.TypeName(v) + " " + python.Str(v)
	case string:
		return "str " + quote(v)
	default:
		return python.TypeName(v)
	}
}
