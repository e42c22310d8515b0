package actors

import (
	"chanmqttproxy/actors/reconnect"
	"chanmqttproxy/messages"
)

// link is what the session knows of its connection.
type link struct {
	connection       Ref[messages.ToConnection] // the zero Ref before there is one
	attempts         reconnect.Attempts
	connectionNumber uint64 // the number of the connection, or of the attempt
}

// toConnection sends m to the connection, if that is live.
func (l *link) toConnection(m messages.ToConnection) {
	if l.attempts.Up() {
		l.connection.Tell(m)
	}
}
