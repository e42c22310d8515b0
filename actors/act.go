package actors

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"chanmqttproxy/messages"
)

// restart has any actor fail.
type restart struct{}

// drop has the session lose its connection.
type drop struct{}

// byHand is the failure of an actor that somebody wanted to fail.
type byHand struct{}

// Error says that.
func (byHand) Error() string { return "failed by hand" }

// Restart has the actor with that path fail, and its supervisor do what it does
// then: a session, receiver, subscription or group is restarted, and what the
// latter two hold is given up; any other actor goes on with its state. The root
// has no supervisor.
func (t *Tree) Restart(path string) error {
	if !strings.Contains(path, "/") {
		return fmt.Errorf("%s is the worker as a whole: stop the program and start it again", path)
	}
	return t.tell(path, restart{})
}

// Disconnect has the MQTT connections of all slots be lost.
func (t *Tree) Disconnect() error {
	var errs []error
	for _, s := range t.all() {
		errs = append(errs, t.tell(s.deps.paths.session, drop{}))
	}
	return errors.Join(errs...)
}

// Slow has a group, or channel, hold each of its writes back for a time; 0: no
// more.
func (t *Tree) Slow(path string, by time.Duration) error {
	if kind := kindOf(path); kind != "group" && kind != "channel" {
		return fmt.Errorf("%s can't be slowed down: only what writes to a group or a channel can", path)
	}
	return t.tell(path, slowed{by})
}

func (t *Tree) tell(path string, message any) error {
	if _, ok := t.shared.observer.find(path); !ok {
		return fmt.Errorf("there is no %s any more: it has stopped", path)
	}
	t.shared.system.Root.Send(t.shared.system.NewLocalPID(path), message)
	return nil
}

// waits notes a delay before an attempt that is not the first.
func (o *observer) waits(path string, delay time.Duration, failed int) {
	if failed > 0 {
		o.note(path, "waiting", fmt.Sprintf("%v before attempt %d", delay.Round(10*time.Millisecond), failed+1))
	}
}

// connection is what is said of one that was made.
func connection(i messages.SessionInfo) string {
	session := "a new session"
	if i.Present {
		session = "the session that the broker kept"
	}
	return fmt.Sprintf("to %s by MQTT %s as %s, with %s", i.Broker, i.Version, i.ClientID, session)
}
