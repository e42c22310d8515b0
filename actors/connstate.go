package actors

import (
	"time"

	"chanmqttproxy/actors/commands"
	"chanmqttproxy/actors/hint"
	"chanmqttproxy/messages"
)

// connState is the state of the connection to the MQTT broker. Each kind of failure is
// logged once, and each change goes to the status group.
type connState struct {
	*env
	router   Ref[messages.ToRouter]
	commands Ref[messages.ToCommands]
	state    messages.State
	logged   map[string]bool // the failures that were logged since the last connection
}

func newConnState(deps *env, to *refs) connState {
	return connState{env: deps, router: to.router, commands: to.commands, state: messages.State{Since: time.Now()}, logged: map[string]bool{}}
}

// up notes a connection.
func (s *connState) up(info messages.Connack) {
	clear(s.logged)
	s.become(messages.State{Connected: true, Broker: info.Broker, Version: info.Version})
}

// lost notes a lost connection, or an attempt that failed.
func (s *connState) lost(f *messages.ConnectionFailure, attempts, brief int) {
	s.Stats.Disconnects.Add(1)
	reason := f.Kind()
	switch {
	case s.logged[reason]:
		s.Log.Debug("still no connection to the MQTT broker", "attempts", attempts, "error", f)
	case len(s.logged) == 0:
		s.Log.Warn("no connection to the MQTT broker; trying again until it works", "cause", reason, "error", f, "hint", hint.Connection(f, brief))
	default:
		s.Log.Warn("still no connection to the MQTT broker, for another reason", "cause", reason, "error", f, "hint", hint.Connection(f, brief))
	}
	s.logged[reason] = true
	if s.state.Connected || s.state.Reason != reason {
		s.become(messages.State{Broker: s.state.Broker, Version: s.state.Version, Reason: reason})
	}
}

// searching notes a connection that the broker closed on a SUBSCRIBE, while it is being
// found out which filter, or which size, is the reason.
func (s *connState) searching(f *messages.ConnectionFailure) {
	s.Stats.Disconnects.Add(1)
	s.Log.Debug("the broker has closed the connection on a SUBSCRIBE", "error", f)
	if s.state.Connected {
		s.become(messages.State{Broker: s.state.Broker, Version: s.state.Version, Reason: "finding out on which subscription the broker closes the connection"})
	}
}

func (s *connState) become(state messages.State) {
	state.Since = s.state.Since
	if state.Connected != s.state.Connected {
		state.Since = time.Now()
	}
	s.state = state
	s.health.state.Store(&state)
	if s.StatusGroup == "" {
		return
	}
	s.router.Tell(messages.Deliver{
		Target: messages.Target{Kind: messages.Group, Name: s.StatusGroup},
		Event: messages.Event{
			Message:  &messages.Message{QoS: 1, At: time.Now()},
			Body:     append(messages.Map{{Key: "type", Value: "mqtt.status"}}, commands.StateBody(state)...),
			Overflow: messages.OverflowLatest,
		},
	})
}

// answer answers a mqtt.status.
func (s *connState) answer(receipt messages.Receipt) {
	state := s.state
	s.commands.Tell(messages.Reply{Receipt: receipt, State: &state})
	s.commands.Tell(messages.Done{Receipts: []messages.Receipt{receipt}})
}
