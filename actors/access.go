package actors

import (
	"chanmqttproxy/actors/commands"
	"chanmqttproxy/messages"
)

// denied says why the rules that hold now do not allow a command; nil: they do.
func (d *env) denied(c messages.Command) *messages.Failure { return commands.Denied(d.rules.Load(), c) }

// deniedFilter says why they do not allow anybody to subscribe to a filter; nil: they do.
func (d *env) deniedFilter(filter string) *messages.Failure {
	return commands.DeniedFilter(d.rules.Load(), filter)
}
