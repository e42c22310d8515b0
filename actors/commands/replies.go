package commands

import (
	"time"

	"chanmqttproxy/messages"
)

// AnswerWait is how long a subscribe may wait for the broker's answer before its
// sender is told that there is none; the subscription is kept.
const AnswerWait = 10 * time.Second

// Replies are the commands under way whose senders want an answer. Such a
// command is done when it took effect and its answer was written: a worker that
// is killed in between answers again rather than never.
type Replies struct {
	open    map[messages.Receipt]*reply
	waiting []*reply // subscribes, in the order in which their time is over
}

// reply is what is known of one of them.
type reply struct {
	received messages.Received
	answered bool // the answer is on its way
	written  bool
	done     bool
	letter   *messages.DeadLetter // instead of an acknowledgement
	overdue  time.Time
}

// NewReplies has nobody who waits.
func NewReplies() *Replies { return &Replies{open: map[messages.Receipt]*reply{}} }

// Len is how many commands have an answer that is not written.
func (r *Replies) Len() int { return len(r.open) }

// Expect notes a message that was taken from the layer, if its sender wants an answer.
func (r *Replies) Expect(m messages.Received, now time.Time) {
	if m.ReplyTo.Channel == "" {
		return
	}
	o := &reply{received: m}
	if _, ok := m.Command.(messages.SubscribeCommand); ok {
		o.overdue = now.Add(AnswerWait)
		r.waiting = append(r.waiting, o)
	}
	r.open[m.Receipt] = o
}

// Next is when Overdue has something to do; zero: not as it stands.
func (r *Replies) Next() time.Time {
	for len(r.waiting) > 0 && r.waiting[0].answered {
		r.waiting[0] = nil
		r.waiting = r.waiting[1:]
	}
	if len(r.waiting) == 0 {
		r.waiting = nil
		return time.Time{}
	}
	return r.waiting[0].overdue
}

// Overdue answers the subscribes to which the broker has said nothing in time.
func (r *Replies) Overdue(now time.Time) (answers []messages.Deliver) {
	for next := r.Next(); !next.IsZero() && !next.After(now); next = r.Next() {
		failure := &messages.Failure{
			Code: messages.CodeTimeout, Reason: "the MQTT broker has not answered; the subscription is kept and takes effect when it does",
		}
		answers = append(answers, *r.Reply(messages.Reply{Receipt: r.waiting[0].received.Receipt, Failure: failure}, now))
	}
	return answers
}

// Reply makes the answer to a command, the first time; nil: nobody wants it.
func (r *Replies) Reply(m messages.Reply, now time.Time) *messages.Deliver {
	o, ok := r.open[m.Receipt]
	if !ok || o.answered {
		return nil
	}
	o.answered = true
	e := messages.Event{Message: &messages.Message{QoS: 1, At: now}, Body: body(o.received, m)}
	if m.Message != nil {
		e.Message, e.QoS = m.Message, m.Message.QoS
	}
	return &messages.Deliver{
		Target:  messages.Target{Kind: messages.Channel, Name: o.received.ReplyTo.Channel},
		Event:   e,
		Receipt: m.Receipt,
	}
}

// Done notes that a command took effect, and returns the answer that is due with that, and
// whether it may leave Redis.
func (r *Replies) Done(receipt messages.Receipt, now time.Time) (answer *messages.Deliver, over bool) {
	o, ok := r.open[receipt]
	if !ok {
		return nil, true
	}
	o.done = true
	switch c := o.received.Command.(type) {
	case messages.UnsubscribeCommand:
		answer = r.Reply(messages.Reply{Receipt: receipt}, now)
	case messages.PublishCommand:
		answer = r.Reply(messages.Reply{Receipt: receipt, QoS: c.Message.QoS}, now)
	}
	return answer, r.over(receipt, o)
}

// DeadLetter notes that a message goes to the dead letters, and says whether it may now.
func (r *Replies) DeadLetter(l messages.DeadLetter) bool {
	o, ok := r.open[l.Receipt]
	if !ok {
		return true
	}
	o.done, o.letter = true, &l
	return r.over(l.Receipt, o)
}

// Written notes that an answer has reached the layer. It says whether the command waited
// for nothing else, and what goes to the dead letters with that.
func (r *Replies) Written(receipt messages.Receipt) (over bool, letter *messages.DeadLetter) {
	o, ok := r.open[receipt]
	if !ok {
		return false, nil
	}
	o.written = true
	return r.over(receipt, o), o.letter
}

// over forgets a command for which nothing more is to be done.
func (r *Replies) over(receipt messages.Receipt, o *reply) bool {
	if !o.done || !o.written {
		return false
	}
	delete(r.open, receipt)
	return true
}
