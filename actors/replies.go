package actors

import (
	"time"

	"chanmqttproxy/messages"
)

// answerWait is how long a subscribe may wait for the broker's answer before its
// sender is told that there is none; the subscription is kept.
const answerWait = 10 * time.Second

// replies are the commands under way whose senders want an answer. Such a
// command is done when it took effect and its answer was written: a worker that
// is killed in between answers again rather than never.
type replies struct {
	*env
	groups Ref[messages.ToGroups]
	open   map[messages.Receipt]*reply
}

// reply is what is known of one of them.
type reply struct {
	received messages.Received
	answered bool // the answer is on its way
	written  bool
	done     bool
	burial   *messages.Burial // where the command is not to be acknowledged
	overdue  reminder
}

func newReplies(deps *env, to *refs) replies {
	return replies{env: deps, groups: to.groups, open: map[messages.Receipt]*reply{}}
}

// expect notes a message that was taken from the layer, if its sender wants an
// answer. The reader is told overdue when the broker leaves a subscribe without
// one.
func (r *replies) expect(m messages.Received, reader *incarnation) {
	if m.Reply.Channel == "" {
		return
	}
	o := &reply{received: m}
	if _, ok := m.Command.(messages.SubscribeCommand); ok {
		o.overdue = reader.after(answerWait, &overdue{receipt: m.Receipt})
	}
	r.open[m.Receipt] = o
}

// overdue answers a subscribe to which the broker has said nothing.
func (r *replies) overdue(receipt messages.Receipt) {
	r.answer(messages.Answer{Receipt: receipt, Failure: &messages.Failure{
		Code: messages.CodeTimeout, Reason: "the MQTT broker has not answered; the subscription is kept and takes effect when it does",
	}})
}

// answer sends the answer to a command, the first time.
func (r *replies) answer(m messages.Answer) {
	o, ok := r.open[m.Receipt]
	if !ok || o.answered {
		return
	}
	o.answered = true
	o.overdue.stop()
	e := messages.Event{Message: &messages.Message{QoS: 1, At: time.Now()}, Body: answerBody(o.received, m)}
	if m.Message != nil {
		e.Message, e.QoS = m.Message, m.Message.QoS
	}
	r.groups.Tell(messages.Deliver{
		Target:  messages.Target{Kind: messages.Channel, Name: o.received.Reply.Channel},
		Event:   e,
		Receipt: m.Receipt,
	})
}

// done notes that a command took effect, and says whether it may leave Redis.
func (r *replies) done(receipt messages.Receipt) bool {
	o, ok := r.open[receipt]
	if !ok {
		return true
	}
	o.done = true
	switch c := o.received.Command.(type) {
	case messages.UnsubscribeCommand:
		r.answer(messages.Answer{Receipt: receipt})
	case messages.PublishCommand:
		r.answer(messages.Answer{Receipt: receipt, QoS: c.Message.QoS})
	}
	return r.closed(receipt)
}

// bury notes that a message goes to the dead letters, and says whether it may
// now.
func (r *replies) bury(b messages.Burial) bool {
	o, ok := r.open[b.Receipt]
	if !ok {
		return true
	}
	o.done, o.burial = true, &b
	return r.closed(b.Receipt)
}

// written notes that an answer has reached the layer. Where that was all that
// the command waited for it says so, and whether it is to be buried.
func (r *replies) written(receipt messages.Receipt) (over bool, burial *messages.Burial) {
	o, ok := r.open[receipt]
	if !ok {
		return false, nil
	}
	o.written = true
	return r.closed(receipt), o.burial
}

func (r *replies) closed(receipt messages.Receipt) bool {
	o := r.open[receipt]
	if !o.done || !o.written {
		return false
	}
	delete(r.open, receipt)
	return true
}
