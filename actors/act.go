package actors

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"chanmqttproxy/messages"
)

// restart makes any actor fail.
type restart struct{}

// drop makes the connection fail as if the network had.
type drop struct{}

// injectedFailure is the failure of an actor that was made to fail.
type injectedFailure struct{}

// Error implements error.
func (injectedFailure) Error() string { return "failed by hand" }

// Restart makes the actor with that path fail. Its supervisor restarts a connection, reader,
// subscription or fanout; the latter two lose what they hold. Any other actor goes on with
// its state, and a subscription that has no actor as it is. The root can't be restarted.
func (t *Tree) Restart(path string) error {
	if !strings.Contains(path, "/") {
		return fmt.Errorf("%s is the worker as a whole: stop the program and start it again", path)
	}
	if r := t.shared.registry.rows.find(path); r != nil && r.live.Load() == nil {
		return nil
	}
	return t.send(path, restart{})
}

// Disconnect makes all slots lose their MQTT connections.
func (t *Tree) Disconnect() error {
	var errs []error
	for _, s := range t.all() {
		errs = append(errs, t.send(s.deps.paths.connection, drop{}))
	}
	return errors.Join(errs...)
}

// Slow delays each write to a group or channel; 0: no longer.
func (t *Tree) Slow(path string, by time.Duration) error {
	if kind := kindOf(path); kind != "group" && kind != "channel" {
		return fmt.Errorf("%s can't be slowed down: only what writes to a group or a channel can", path)
	}
	return t.send(path, delayWrites{by})
}

func (t *Tree) send(path string, message any) error {
	if _, ok := t.shared.registry.find(path); !ok {
		return fmt.Errorf("there is no %s any more: it has stopped", path)
	}
	t.shared.system.Root.Send(t.shared.system.NewLocalPID(path), message)
	return nil
}

// waits notes a delay before an attempt that is not the first.
func (r *actorRegistry) waits(path string, delay time.Duration, failed int) {
	if failed > 0 {
		r.note(path, "waiting", fmt.Sprintf("%v before attempt %d", delay.Round(10*time.Millisecond), failed+1))
	}
}

// connection describes a connection that was made, for the event log.
func describe(i messages.Connack) string {
	session := "a new session"
	if i.Present {
		session = "the session that the broker kept"
	}
	return fmt.Sprintf("to %s by MQTT %s as %s, with %s", i.Broker, i.Version, i.ClientID, session)
}
