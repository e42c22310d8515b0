package layer

import "chanmqttproxy/messages"

// Preview is how a buried message is shown.
func Preview(member string) string { return preview([]byte(member)) }

// ParseEntry reads one entry of the stored subscriptions.
func ParseEntry(field, value string) (s messages.Stored, leaving, ok bool) {
	s, leaving, ok = parseField(field)
	if ok && !leaving {
		s.Options, ok, _ = parseOptions(value)
	}
	return s, leaving, ok
}

// FormatEntry writes one entry of the stored subscriptions.
func FormatEntry(s messages.Stored) (field, value string) {
	return storedField(s), formatOptions(s.Options)
}
