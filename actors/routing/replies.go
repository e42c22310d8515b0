package routing

import (
	"math"
	"slices"
	"time"

	"chanmqttproxy/messages"
)

// Replies are those of one filter's subscribes that wait for what the broker says of the
// Desired that was the newest when they came, or of a later one. Those are forgotten in time
// whose senders were told that the broker does not answer.
type Replies struct {
	Last    Result
	waiting *[]reply // nil: nobody waits, as most of the time
}

type reply struct {
	receipt  messages.Receipt
	qos      byte
	revision uint64 // of the Desired
	came     time.Time
}

// replyWait is after how long a sender is told that the broker has not answered.
const replyWait = 10 * time.Second

// Result is what the broker said last of a filter, and of which Desired.
type Result struct {
	Revision uint64 // 0: nothing yet
	QoS      byte
	Refusal  *Refusal // nil: it was granted
}

// Refusal is why a filter is not granted.
type Refusal struct {
	messages.Failure
	Why  string // without our words around it: a refusal for the same reason is logged once
	Kind string // a word of reconcile.Kind
	Code byte   // the SUBACK's
}

// Granted is what a broker says that grants a filter.
func Granted(m messages.Granted) Result { return Result{Revision: m.Revision, QoS: m.QoS} }

// Refused is what a broker says that refuses a filter.
func Refused(m messages.Refused) Result {
	failure := messages.Failure{Code: messages.CodeRefused, Reason: "the broker refused the filter: " + m.Reason}
	return Result{Revision: m.Revision, Refusal: &Refusal{failure, m.Reason, m.Kind, m.Code}}
}

// unsubscribed is the result of a filter that nobody wants any more.
var unsubscribed = Result{Revision: math.MaxUint64, Refusal: &Refusal{Failure: *Unsubscribed()}}

// Unsubscribed is why a subscribe gets no answer of the broker.
func Unsubscribed() *messages.Failure {
	return &messages.Failure{Code: messages.CodeUnsubscribed, Reason: "it was unsubscribed before the broker had answered"}
}

// Wait answers a subscribe, now or when the broker has spoken.
func (r *Replies) Wait(receipt messages.Receipt, qos byte, revision uint64, now time.Time) (a messages.Reply, ok bool) {
	w := reply{receipt, qos, revision, now}
	if r.Last.Revision >= revision {
		return r.Last.answer(w), true
	}
	if r.waiting == nil {
		r.waiting = &[]reply{}
	}
	waiting := slices.DeleteFunc(*r.waiting, func(w reply) bool { return now.Sub(w.came) > replyWait })
	*r.waiting = append(waiting, w)
	return a, false
}

// Refused says whether the broker has refused that revision of the Desired.
func (r *Replies) Refused(revision uint64) bool {
	return r.Last.Revision == revision && r.Last.Refusal != nil
}

// Decide takes in what the broker said, and returns the answers to those who wait for it.
func (r *Replies) Decide(result Result) (answers []messages.Reply) {
	r.Last = result
	if r.waiting == nil {
		return nil
	}
	left := slices.DeleteFunc(*r.waiting, func(w reply) bool {
		if result.Revision < w.revision {
			return false
		}
		answers = append(answers, result.answer(w))
		return true
	})
	if r.waiting = &left; len(left) == 0 {
		r.waiting = nil
	}
	return answers
}

func (r Result) answer(w reply) messages.Reply {
	a := messages.Reply{Receipt: w.receipt, QoS: min(r.QoS, w.qos)}
	if r.Refusal != nil {
		a.Failure = &r.Refusal.Failure
	}
	return a
}
