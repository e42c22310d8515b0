package actors

import "chanmqttproxy/messages"

// awaiting are the subscribes of one filter whose senders wait for what the
// broker says.
type awaiting struct {
	senders []awaitingSender
	verdict verdict
}

type awaitingSender struct {
	receipt messages.Receipt
	qos     byte
}

// verdict is what the broker said last of a filter, and of which Want.
type verdict struct {
	serial  uint64 // 0: nothing yet
	qos     byte
	failure *messages.Failure
}

// unsubscribed is the verdict on a filter that nobody wants any more.
var unsubscribed = verdict{serial: 1, failure: &messages.Failure{
	Code: messages.CodeUnsubscribed, Reason: "it was unsubscribed before the broker had answered",
}}

// ask answers a sender, now or when the broker has spoken of the Want of that
// serial. It says whether the broker should be asked again, since it refused.
func (a *awaiting) ask(d *dependencies, sender awaitingSender, serial uint64) (again bool) {
	if a.verdict.serial == serial && a.verdict.failure == nil {
		a.verdict.tell(d, sender)
		return false
	}
	a.senders = append(a.senders, sender)
	return a.verdict.serial == serial
}

// decide takes in what the broker said, if that was about the newest Want.
func (a *awaiting) decide(d *dependencies, v verdict, newest uint64) {
	if v.serial != newest {
		return
	}
	a.verdict = v
	for _, sender := range a.senders {
		v.tell(d, sender)
	}
	a.senders = nil
}

func (v verdict) tell(d *dependencies, sender awaitingSender) {
	d.reader.Tell(messages.Answer{Receipt: sender.receipt, Failure: v.failure, QoS: min(v.qos, sender.qos)})
}
