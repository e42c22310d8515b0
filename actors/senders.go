package actors

import (
	"math"
	"slices"
	"time"

	"chanmqttproxy/actors/commands"
	"chanmqttproxy/messages"
)

// senders are those of one filter's subscribes who wait for what the broker says
// of the Want that was the newest when they asked, or of a later one. Those are
// forgotten in time whom the reader has told that the broker does not answer.
type senders struct {
	waiting []sender
	verdict verdict
}

type sender struct {
	receipt messages.Receipt
	qos     byte
	serial  uint64 // of the Want
	came    time.Time
}

// verdict is what the broker said last of a filter, and of which Want.
type verdict struct {
	serial  uint64 // 0: nothing yet
	qos     byte
	failure *messages.Failure
	kind    string // a word of reconcile.Kind, and the SUBACK's code, where it is a refusal
	code    byte
}

// unsubscribed is the verdict on a filter that nobody wants any more.
var unsubscribed = verdict{serial: math.MaxUint64, failure: &messages.Failure{
	Code: messages.CodeUnsubscribed, Reason: "it was unsubscribed before the broker had answered",
}}

// add answers a sender, now or when the broker has spoken.
func (a *senders) add(reader Ref[messages.ToReader], s sender) {
	if a.verdict.serial >= s.serial {
		a.verdict.tell(reader, s)
		return
	}
	s.came = time.Now()
	for len(a.waiting) > 0 && s.came.Sub(a.waiting[0].came) > commands.AnswerWait {
		a.waiting = a.waiting[1:]
	}
	a.waiting = append(a.waiting, s)
}

// refused says whether the broker has refused the Want of that serial.
func (a *senders) refused(serial uint64) bool {
	return a.verdict.serial == serial && a.verdict.failure != nil
}

// decide takes in what the broker said.
func (a *senders) decide(reader Ref[messages.ToReader], v verdict) {
	a.verdict = v
	a.waiting = slices.DeleteFunc(a.waiting, func(s sender) bool {
		if v.serial < s.serial {
			return false
		}
		v.tell(reader, s)
		return true
	})
}

func (v verdict) tell(reader Ref[messages.ToReader], s sender) {
	reader.Tell(messages.Answer{Receipt: s.receipt, Failure: v.failure, QoS: min(v.qos, s.qos)})
}
