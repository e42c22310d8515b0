package actors

import (
	"chanmqttproxy/actors/reconnect"
	"chanmqttproxy/messages"
)

// link is what the broker actor knows of the connection of its session.
type link struct {
	session    Ref[messages.ToSession] // the zero Ref before there is one
	attempts   reconnect.Attempts
	connection uint64 // the number of the connection, or of the attempt
}

// toSession sends m to the session, if that has a connection.
func (l *link) toSession(m messages.ToSession) {
	if l.attempts.Up() {
		l.session.Tell(m)
	}
}
