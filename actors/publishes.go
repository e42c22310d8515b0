package actors

import (
	"fmt"
	"time"

	"chanmqttproxy/actors/hint"
	"chanmqttproxy/actors/outbox"
	"chanmqttproxy/messages"
)

// trialDue comes when a connection has been stable without the publish that may be poison.
type trialDue struct {
	stamp
	connection uint64
}

// publishes keeps the publishes that have not taken effect. It passes them to the connection,
// and reports their outcome.
type publishes struct {
	*env
	*link
	requests Ref[messages.ToRequests]
	commands Ref[messages.ToCommands]
	outbox   *outbox.Outbox
	holds    hold
}

func newPublishes(deps *env, to *refs, link *link) publishes {
	return publishes{env: deps, link: link, requests: to.requests, commands: to.commands, outbox: outbox.New()}
}

// add takes in a publish, and sends it if it need not wait for others.
func (p *publishes) add(m messages.Publish) {
	if p.outbox.Add(m) && !p.holds.keep(m) {
		p.toConnection(m)
	}
}

// connected keeps all of them back until the filters are asked for.
func (p *publishes) connected() { p.holds = hold{all: true, on: true} }

// lost notes the end of the connection. suspicious: a publish may be the reason.
func (p *publishes) lost(suspicious bool) {
	if suspicious {
		p.outbox.Lost(time.Now())
	}
	p.holds = hold{}
}

// watch keeps publishes back while a SUBSCRIBE may cost the connection, and sends them after
// that.
func (p *publishes) watch(wary bool) {
	kept, all := p.holds.watch(wary)
	if all {
		p.sendAgain()
		return
	}
	for _, m := range kept {
		if p.outbox.Has(m.Receipt) { // else it was withdrawn
			p.toConnection(m)
		}
	}
}

// try sends the candidate for poison alone.
func (p *publishes) try(m *trialDue) {
	if !p.attempts.Up() || m.connection != p.connectionNumber {
		return
	}
	if candidate, ok := p.outbox.Try(time.Now()); ok {
		p.toConnection(candidate)
	}
}

// released sends the publishes that waited for the candidate, if again says so.
func (p *publishes) released(again bool) {
	if again && p.attempts.Up() && !p.holds.on {
		p.sendAgain()
	} else if again {
		p.holds.all = true
	}
}

// sendAgain sends everything that has not taken effect. A publish that is poison is given up.
func (p *publishes) sendAgain() {
	all, poison := p.outbox.Resend()
	if poison != nil {
		p.giveUp(*poison)
	}
	for _, m := range all {
		p.toConnection(m)
	}
}

func (p *publishes) giveUp(poison messages.Publish) {
	p.requests.Tell(messages.Unpublished{Message: poison.Message})
	p.Stats.PublishRefused.Add(1)
	p.Log.Error("a publish was given up: the broker closes the connection each time it is sent; it is a dead letter now",
		"topic", poison.Message.Topic, "bytes", len(poison.Message.Payload), "qos", poison.Message.QoS)
	p.step(poison.Message, p.paths.session, "refused", "given up: each time it is sent the broker closes the connection")
	if p.traces.own(poison.Receipt) {
		return
	}
	p.commands.Tell(messages.DeadLetter{Receipt: poison.Receipt, Reason: "publish.topic: " + poison.Message.Topic + ": the broker closes the connection on it"})
}

// settled notes that a publish took effect or was refused, and sends those that waited for it.
func (p *publishes) settled(m messages.Published) {
	taken, again, ok := p.outbox.Remove(m.Receipt)
	switch {
	case !ok:
		p.birthRefused(m)
		return
	case m.Code >= messages.ReasonUnspecified:
		p.Stats.PublishRefused.Add(1)
		p.step(taken.Message, p.paths.session, "refused", fmt.Sprintf("%s (code 0x%02x): %s", refuser(m), m.Code, m.Reason))
		p.requests.Tell(messages.Unpublished{Message: taken.Message})
		p.commands.Tell(messages.Reply{Receipt: m.Receipt, Failure: refusal(m.Code, m.Reason)})
		p.Log.Warn("publish refused: "+refuser(m), "hint", hint.Publish(m.Code),
			"topic", taken.Message.Topic, "qos", taken.Message.QoS, "code", m.Code, "reason", m.Reason)
	default:
		p.Stats.Published.Add(1)
		p.step(taken.Message, p.paths.session, "acknowledged", acknowledgement[m.QoS])
		if m.QoS != taken.Message.QoS {
			p.commands.Tell(messages.Reply{Receipt: m.Receipt, QoS: m.QoS})
		}
	}
	p.done(m.Receipt)
	p.released(again)
}

// acknowledgement says in a trace what a settled publish means, by QoS.
var acknowledgement = [...]string{"written to the connection; at QoS 0 the broker does not say whether it has it", "the broker has it (PUBACK)", "the broker has it (PUBCOMP)"}

// withdraw takes back a publish that has not taken effect. If it was sent already, it is not
// sent again.
func (p *publishes) withdraw(receipt messages.Receipt) {
	_, again, ok := p.outbox.Remove(receipt)
	if ok {
		p.done(receipt)
	}
	p.released(again)
}

func (p *publishes) done(receipt messages.Receipt) {
	if !p.traces.own(receipt) {
		p.commands.Tell(messages.Done{Receipts: []messages.Receipt{receipt}})
	}
}

// birthRefused logs that the birth message was refused. It is the only one without a receipt.
func (p *publishes) birthRefused(m messages.Published) {
	if m.Receipt == "" && m.Code >= messages.ReasonUnspecified {
		p.Log.Warn("birth message refused: "+refuser(m), "code", m.Code, "reason", m.Reason, "hint", hint.Birth(m.Code))
	}
}

// refuser says in words who refused a publish.
func refuser(m messages.Published) string {
	if m.Unsent {
		return "it was not sent, since the broker does not take such a message"
	}
	return "the broker refused it"
}

// refusal is the answer to the sender of a publish that was refused.
func refusal(code byte, reason string) *messages.Failure {
	f := &messages.Failure{Code: messages.CodeRefused, Reason: reason}
	if code == messages.ReasonPacketTooLarge {
		f.Code = messages.CodeTooLarge
	}
	return f
}
