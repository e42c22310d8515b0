package actors

import (
	"fmt"

	"chanmqttproxy/actors/outbox"
	"chanmqttproxy/messages"
)

// publishes are those that have not taken effect. It tells others what becomes of them.
type publishes struct {
	*env
	requests Ref[messages.ToRequests]
	reader   Ref[messages.ToReader]
	outbox   *outbox.Outbox
}

func newPublishes(deps *env, to *refs) publishes {
	return publishes{env: deps, requests: to.requests, reader: to.reader, outbox: outbox.New()}
}

// again is what to send on a new connection. One that is poison is given up.
func (p *publishes) again() []messages.Publish {
	all, poison := p.outbox.Resend()
	if poison != nil {
		p.giveUp(*poison)
	}
	return all
}

func (p *publishes) giveUp(poison messages.Publish) {
	p.requests.Tell(messages.Unpublished{Message: poison.Message})
	p.Stats.PublishRefused.Add(1)
	p.Log.Error("a publish was given up: each time it is sent the broker closes the connection; it is among the dead letters",
		"topic", poison.Message.Topic, "bytes", len(poison.Message.Payload), "qos", poison.Message.QoS)
	p.step(poison.Message, p.paths.broker, "refused", "given up: each time it is sent the broker closes the connection")
	if p.traces.own(poison.Receipt) {
		return
	}
	p.reader.Tell(messages.Undeliverable{Receipt: poison.Receipt, Reason: "publish.topic: " + poison.Message.Topic + ": the broker closes the connection on it"})
}

// settled notes that a publish took effect or was refused, and says whether the
// others are to be sent again, which waited for it.
func (p *publishes) settled(m messages.Published) (again bool) {
	taken, again, ok := p.outbox.Remove(m.Receipt)
	switch {
	case !ok:
		p.born(m)
		return false
	case m.Code >= 0x80:
		p.Stats.PublishRefused.Add(1)
		p.step(taken.Message, p.paths.broker, "refused", fmt.Sprintf("%s (code 0x%02x): %s", refuser(m), m.Code, m.Reason))
		p.requests.Tell(messages.Unpublished{Message: taken.Message})
		p.reader.Tell(messages.Answer{Receipt: m.Receipt, Failure: refusal(m.Code, m.Reason)})
		p.Log.Warn("publish refused: "+refuser(m), "hint", publishHint(m.Code),
			"topic", taken.Message.Topic, "qos", taken.Message.QoS, "code", m.Code, "reason", m.Reason)
	default:
		p.Stats.Published.Add(1)
		p.step(taken.Message, p.paths.broker, "acknowledged", acknowledgement[m.QoS])
		if m.QoS != taken.Message.QoS {
			p.reader.Tell(messages.Answer{Receipt: m.Receipt, QoS: m.QoS})
		}
	}
	p.done(m.Receipt)
	return again
}

// acknowledgement is how a broker says that it has a message of each QoS.
var acknowledgement = [...]string{"written to the connection; at QoS 0 the broker does not say whether it has it", "the broker has it (PUBACK)", "the broker has it (PUBCOMP)"}

// withdraw takes back a publish that has not taken effect, and says what settled
// does. One that the session has sent already is not sent again.
func (p *publishes) withdraw(receipt messages.Receipt) (again bool) {
	_, again, ok := p.outbox.Remove(receipt)
	if ok {
		p.done(receipt)
	}
	return again
}

func (p *publishes) done(receipt messages.Receipt) {
	if !p.traces.own(receipt) {
		p.reader.Tell(messages.Done{Receipts: []messages.Receipt{receipt}})
	}
}

// born says that the birth message was refused, which alone has no receipt.
func (p *publishes) born(m messages.Published) {
	if m.Receipt == "" && m.Code >= 0x80 {
		p.Log.Warn("birth message refused: "+refuser(m), "code", m.Code, "reason", m.Reason, "to_do", birthHint(m.Code))
	}
}

// refuser says who refused a publish.
func refuser(m messages.Published) string {
	if m.Unsent {
		return "it was not sent, since the broker does not take such a message"
	}
	return "the broker refused it"
}

// packetTooLarge is the reason code of a publish that is larger than the broker
// accepts (MQTT 5, 2.4).
const packetTooLarge = 0x95

// refusal is what the sender of a publish is told that the broker refused.
func refusal(code byte, reason string) *messages.Failure {
	f := &messages.Failure{Code: messages.CodeRefused, Reason: reason}
	if code == packetTooLarge {
		f.Code = messages.CodeTooLarge
	}
	return f
}
