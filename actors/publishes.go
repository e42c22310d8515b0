package actors

import (
	"fmt"

	"chanmqttproxy/messages"
)

// publishes are those that have not taken effect, in the order of their commands,
// and which of them is suspected of costing the connections.
type publishes struct {
	*env
	requests Ref[messages.ToRequests]
	reader   Ref[messages.ToReader]
	outbox   outbox
	blame    blame
}

func newPublishes(deps *env, to *refs) publishes {
	return publishes{env: deps, requests: to.requests, reader: to.reader, outbox: newOutbox()}
}

// add takes a publish in, and says whether it may be sent now.
func (p *publishes) add(m messages.Publish) bool {
	p.outbox.add(m)
	return !p.blame.any()
}

// again is what to send on a new connection: everything, or nothing while one is
// suspected. One that is guilty is given up.
func (p *publishes) again() []messages.Publish {
	if guilty, ok := p.blame.verdict(&p.outbox); ok {
		p.giveUp(guilty)
	}
	if p.blame.any() {
		return nil
	}
	var all []messages.Publish
	p.outbox.each(func(m messages.Publish) { all = append(all, m) })
	return all
}

// suspect is the one to try alone on a connection that has been steady without
// it, if there is one.
func (p *publishes) suspect() (messages.Publish, bool) {
	if !p.blame.any() {
		return messages.Publish{}, false
	}
	p.blame.try()
	return p.outbox.first()
}

func (p *publishes) giveUp(guilty messages.Publish) {
	p.requests.Tell(messages.Unpublished{Message: guilty.Message})
	p.Stats.PublishRefused.Add(1)
	p.Log.Error("a publish was given up: each time it is sent the broker closes the connection; it is among the dead letters",
		"topic", guilty.Message.Topic, "bytes", len(guilty.Message.Payload), "qos", guilty.Message.QoS)
	p.step(guilty.Message, p.paths.broker, "refused", "given up: each time it is sent the broker closes the connection")
	if p.traces.own(guilty.Receipt) {
		return
	}
	p.reader.Tell(messages.Undeliverable{Receipt: guilty.Receipt, Reason: "publish.topic: " + guilty.Message.Topic + ": the broker closes the connection on it"})
}

// settled notes that a publish took effect or was refused, and says whether the
// others are to be sent again, which waited for it.
func (p *publishes) settled(m messages.Published) (again bool) {
	taken, ok := p.outbox.remove(m.Receipt)
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
	return p.done(m.Receipt)
}

// acknowledgement is how a broker says that it has a message of each QoS.
var acknowledgement = [...]string{"written to the connection; at QoS 0 the broker does not say whether it has it", "the broker has it (PUBACK)", "the broker has it (PUBCOMP)"}

// withdraw takes back a publish that has not taken effect, and says what settled
// does. One that the session has sent already is not sent again.
func (p *publishes) withdraw(receipt messages.Receipt) (again bool) {
	if _, ok := p.outbox.remove(receipt); !ok {
		return false
	}
	return p.done(receipt)
}

func (p *publishes) done(receipt messages.Receipt) (again bool) {
	if !p.traces.own(receipt) {
		p.reader.Tell(messages.Done{Receipts: []messages.Receipt{receipt}})
	}
	return p.blame.acquit(receipt)
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
