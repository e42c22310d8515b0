package commands_test

import (
	"fmt"
	"testing"
	"time"

	"chanmqttproxy/actors/commands"
	"chanmqttproxy/messages"
)

// text is an answer as its sender sees it.
func text(answers ...messages.Deliver) string {
	var list []string
	for _, a := range answers {
		line := a.Target.Name
		for _, p := range a.Event.Body {
			if p.Value != nil && p.Key != "reason" {
				line += fmt.Sprintf(" %s=%v", p.Key, p.Value)
			}
		}
		list = append(list, line)
	}
	return fmt.Sprint(list)
}

// TestReplies: a command leaves Redis when it took effect and its answer was written.
func TestReplies(t *testing.T) {
	t.Parallel()
	now := time.Unix(1e9, 0)
	of := func(typ string, c messages.Command, channel string) messages.Received {
		return messages.Received{Receipt: "r", Type: typ, Command: c, ReplyTo: messages.ReplyTo{Channel: channel, ID: "7"}}
	}
	groups := []messages.Target{{Name: "g"}}
	publish := of("publish", messages.PublishCommand{Message: &messages.Message{Topic: "t", QoS: 2}}, "c")
	subscribe := of("subscribe", messages.SubscribeCommand{Filter: "f", Targets: groups}, "c")
	unsubscribe := of("unsubscribe", messages.UnsubscribeCommand{Filter: "f", Targets: groups}, "c")
	status := of("status", messages.StatusCommand{}, "c")
	request := of("request", messages.RequestCommand{Message: &messages.Message{Topic: "t"}}, "c")
	fault := of("nonsense", nil, "c")
	type step = func(*commands.Replies) string
	answer := func(a messages.Reply) step {
		return func(r *commands.Replies) string {
			a.Receipt = "r"
			if d := r.Reply(a, now); d != nil {
				return text(*d)
			}
			return "none"
		}
	}
	done := func(r *commands.Replies) string {
		if d, over := r.Done("r", now); d != nil {
			return fmt.Sprint(text(*d), over)
		} else {
			return fmt.Sprint(over)
		}
	}
	written := func(r *commands.Replies) string {
		over, letter := r.Written("r")
		return fmt.Sprint(over, letter != nil)
	}
	deadLetter := func(r *commands.Replies) string { return fmt.Sprint(r.DeadLetter(messages.DeadLetter{Receipt: "r"})) }
	for name, c := range map[string]struct {
		received messages.Received
		steps    []step
		want     string
	}{
		"nobody wants an answer": {of("publish", publish.Command, ""), []step{done, written, deadLetter}, "[true false false true]"},
		"publish":                {publish, []step{done, written, done}, "[[c type=mqtt.published id=7 command=publish topic=t qos=2]false true false true]"},
		"refused publish":        {publish, []step{answer(messages.Reply{Failure: &messages.Failure{Code: "refused"}}), done, written}, "[[c type=mqtt.error id=7 command=publish topic=t code=refused] false true false]"},
		"subscribe": {subscribe, []step{done, answer(messages.Reply{QoS: 1}), answer(messages.Reply{}), written},
			"[false [c type=mqtt.subscribed id=7 command=subscribe topic=f group=g qos=1] none true false]"},
		"written before it is done": {subscribe, []step{answer(messages.Reply{QoS: 1}), written, done}, "[[c type=mqtt.subscribed id=7 command=subscribe topic=f group=g qos=1] false false true]"},
		"unsubscribe":               {unsubscribe, []step{done, written}, "[[c type=mqtt.unsubscribed id=7 command=unsubscribe topic=f group=g]false true false]"},
		"status": {status, []step{answer(messages.Reply{State: &messages.State{Connected: true, Broker: "b", Version: messages.MQTT5, Since: now}})},
			"[[c type=mqtt.state id=7 command=status connected=true broker=b version=5 since=1e+09]]"},
		"request": {request, []step{answer(messages.Reply{Message: &messages.Message{}}), written, done}, "[[c type=mqtt.response id=7 command=request topic=t] false false true]"},
		"dead letter": {fault, []step{answer(messages.Reply{Failure: &messages.Failure{Code: "invalid"}}), deadLetter, written},
			"[[c type=mqtt.error id=7 command=nonsense code=invalid] false true true]"},
	} {
		r := commands.NewReplies()
		r.Expect(c.received, now)
		var got []string
		for _, s := range c.steps {
			got = append(got, s(r))
		}
		if fmt.Sprint(got) != c.want {
			t.Errorf("%s:\n %v, want\n %s", name, got, c.want)
		}
	}
}

// TestOverdue: only subscribes wait for the broker, each for the same time.
func TestOverdue(t *testing.T) {
	t.Parallel()
	at := func(seconds int) time.Time { return time.Unix(1e9+int64(seconds), 0) }
	r := commands.NewReplies()
	expect := func(id string, c messages.Command, second int) {
		r.Expect(messages.Received{Receipt: messages.Receipt(id), Command: c, ReplyTo: messages.ReplyTo{Channel: id}}, at(second))
	}
	if !r.Next().IsZero() {
		t.Error("nobody waits, and yet")
	}
	expect("a", messages.SubscribeCommand{}, 0)
	expect("b", messages.RequestCommand{Message: &messages.Message{}}, 0)
	expect("c", messages.SubscribeCommand{}, 1)
	expect("d", messages.SubscribeCommand{}, 2)
	r.Reply(messages.Reply{Receipt: "a"}, at(3))
	if got := r.Next(); !got.Equal(at(11)) {
		t.Errorf("next at %v", got)
	}
	r.Reply(messages.Reply{Receipt: "d"}, at(3))
	if got := r.Overdue(at(10)); got != nil {
		t.Errorf("too early: %s", text(got...))
	}
	if got := text(r.Overdue(at(20))...); got != "[c type=mqtt.error topic= code=timeout]" || !r.Next().IsZero() || r.Len() != 4 {
		t.Errorf("%s, next at %v, %d are open", got, r.Next(), r.Len())
	}
}
