package actors

import (
	"strings"

	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

// routes know for each filter whom it serves, and send each delivery to the
// subscriptions whose filters match.
type routes struct {
	deps      *env
	broker    Ref[messages.ToBroker]
	requests  Ref[messages.ToRequests]
	trie      topic.Trie[*route]
	responses messages.Want // the filter of responses to requests; zero: there are none
	matched   []*route      // scratch space of one delivery
	spread    *spread       // nil: there is one slot
}

// has says whether there is a route for a filter.
func (r *routes) has(filter string) bool {
	_, ok := r.trie.Get(filter)
	return ok
}

// route sends a delivery to the subscriptions that match.
func (r *routes) route(d messages.Delivery) {
	r.matched = r.trie.Match(d.Message.Topic, r.matched[:0])
	if d.Message.Retain {
		r.replay(d)
		return
	}
	if f := r.responses.Filter; f != "" && strings.HasPrefix(d.Message.Topic, strings.TrimSuffix(f, "+")) {
		d = r.respond(d)
	}
	if len(r.matched) == 1 && r.matched[0].concerns(d) {
		if d.To = r.here(d, r.matched[0], r.matched[0].all()); len(d.To) > 0 {
			r.deps.tellMatched(d, r.matched)
			r.pass(r.matched[0], d)
			return
		}
	}
	parts, others := r.parts(d)
	r.deps.tellMatched(d, r.matched, parts...)
	if len(parts) == 0 && d.Weight > 0 {
		if !others {
			r.deps.Stats.Unmatched.Add(1)
		}
		giveBack(r.broker, d.Token, d.Weight)
		return
	}
	r.send(d, parts)
}

// overlaps says whether a filter that is about to be asked for overlaps others. Those are
// asked for again, if need be, before it: from the start the copies that a broker sends
// can be told apart.
func (r *routes) overlaps(filter string) bool {
	others := r.trie.Overlapping(filter, nil)
	for _, to := range others {
		r.mark(&to.want)
	}
	responses := r.responses.Filter != "" && topic.Overlap(filter, r.responses.Filter)
	if responses {
		r.mark(&r.responses)
	}
	return responses || len(others) > 0
}

func (r *routes) mark(w *messages.Want) {
	if !w.Overlaps {
		w.Overlaps = true
		r.broker.Tell(*w)
	}
}

// send gives each its part of a delivery.
func (r *routes) send(d messages.Delivery, parts []part) {
	for i, p := range parts {
		copied := d
		copied.Weight, copied.To = messages.Split(d.Weight, len(parts), i), p.members
		r.pass(p.to, copied)
	}
}

// respond sends a delivery to the requests, and returns what is left of it for
// others.
func (r *routes) respond(d messages.Delivery) messages.Delivery {
	n := 1 + min(1, len(r.matched))
	weight := messages.Split(d.Weight, n, 0)
	r.requests.Tell(messages.Response{Token: d.Token, Weight: weight, Message: d.Message})
	d.Weight -= weight
	return d
}

// replay sends a retained value to those of whom newcomers wait for it, by the way
// that live messages of its topic take. The subscription that asked for it hears
// of it in any case.
func (r *routes) replay(d messages.Delivery) {
	var parts []part
	seen := map[messages.Target]bool{}
	for _, to := range r.matched {
		if len(to.welcoming) == 0 || !to.concerns(d) {
			continue
		}
		parts = appendPart(parts, to)
		for target := range to.welcoming {
			if !seen[target] {
				seen[target] = true
				way, member := wayOf(target, r.matched)
				parts = appendPart(parts, way, member)
			}
		}
	}
	if len(parts) == 0 {
		r.deps.step(d.Message, r.deps.paths.router, "dropped", "a retained message that nobody waits for")
		giveBack(r.broker, d.Token, d.Weight)
		return
	}
	r.send(d, parts)
}

// parts are the matching subscriptions that this copy of the message is for,
// each with the members whose way it is. Others says that some get it from another
// slot.
func (r *routes) parts(d messages.Delivery) (parts []part, others bool) {
	for _, to := range r.matched {
		if !to.concerns(d) {
			continue
		}
		own := to.own(r.matched)
		rest := r.here(d, to, own)
		if len(rest) > 0 {
			parts = append(parts, part{to, rest})
		}
		others = others || len(rest) < len(own)
	}
	return parts, others
}
