package actors

import (
	"slices"
	"time"

	"chanmqttproxy/actors/placement"
	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

// route is what the router knows of one filter: its subscription, and whom it
// serves.
type route struct {
	filter       string
	wire         string // as the broker has it: see topic.Shared
	identifier   uint32
	static       bool // has members that stay
	unasked      bool // the broker is not asked for it
	held         bool // what comes is kept
	kept         []messages.Delivery
	leaving      *departure // nil: it stays
	number       uint64     // of the registry's last change that asks for it
	greeted      uint64     // that of the last newcomer
	subscription Ref[messages.ToSubscription]
	members      placement.Targets[membership]
	everybody    []messages.Member // members in a form to send; nil: to be made
	want         messages.Want
	welcoming    map[messages.Target]uint64 // serial of the last newcomer; see messages.Welcome; nil: there was none
	senders      senders
}

// membership is that of one target in one filter.
type membership struct {
	options messages.Options
	serial  uint64    // the lower, the older
	asked   time.Time // when it was last asked for
	static  bool      // it stays, since the configuration wants it
	command bool      // a command wants it
}

// join adds a member, or changes its options, and says whether that changed
// anything of what is to be stored if a command wants it.
func (to *route) join(target messages.Target, options messages.Options, serial uint64) bool {
	old, member := to.members.Get(target)
	joined := membership{options: options, serial: serial, asked: time.Now()}
	if member {
		joined.serial, joined.static, joined.command = old.serial, old.static, old.command
	}
	to.members.Set(target, joined)
	if member && old.options == options && old.command {
		return false
	}
	to.everybody = nil
	return true
}

// served says whether a new member is served by what the broker was asked for,
// without looking at all the others.
func (to *route) served(options messages.Options) bool {
	return to.want.Filter != "" && options.QoS <= to.want.QoS && options.NoLocal == to.want.NoLocal
}

// shared says whether every slot holds the filter.
func (to *route) shared() bool { return topic.IsShared(to.wire) }

// fix makes a membership stay.
func (to *route) fix(target messages.Target) {
	m, _ := to.members.Get(target)
	m.static = true
	to.members.Set(target, m)
	to.static = true
}

// serves says whether all targets of a subscription are members with its options.
func (to *route) serves(s messages.SubscribeCommand) bool {
	return !slices.ContainsFunc(s.Targets, func(t messages.Target) bool {
		m, member := to.members.Get(t)
		return !member || m.options != s.Options
	})
}

// membersOf are targets without options.
func membersOf(targets []messages.Target) (list []messages.Member) {
	for _, t := range targets {
		list = append(list, messages.Member{Target: t})
	}
	return list
}

// ask notes that a command wants a membership, and unask that none does any more.
func (to *route) ask(target messages.Target)   { to.commanded(target, true) }
func (to *route) unask(target messages.Target) { to.commanded(target, false) }

func (to *route) commanded(target messages.Target, by bool) {
	if m, member := to.members.Get(target); member {
		m.command = by
		to.members.Set(target, m)
	}
}

// free lets all memberships go that stay, unless they are fixed again.
func (to *route) free() {
	to.static = false
	for target, m := range to.members.Each {
		m.static = false
		to.members.Set(target, m)
	}
}

// unwanted are the members that nothing wants any more; where commands may not want the
// filter, those too that only they want.
func (to *route) unwanted(denied bool) (left []messages.Target) {
	for target, m := range to.members.Each {
		if !m.static && (denied || !m.command) {
			left = append(left, target)
		}
	}
	return left
}

// has says whether a target is a member.
func (to *route) has(target messages.Target) bool {
	return to.members.Has(target)
}

// isFixed says whether a membership is one of those that stay.
func (to *route) isFixed(target messages.Target) bool {
	m, _ := to.members.Get(target)
	return m.static
}

// welcome notes the serial of a target's last newcomer.
func (to *route) welcome(target messages.Target, serial uint64) {
	if to.welcoming == nil {
		to.welcoming = map[messages.Target]uint64{}
	}
	to.welcoming[target] = serial
}

func (to *route) leave(target messages.Target) {
	to.members.Remove(target)
	delete(to.welcoming, target)
	to.everybody = nil
}

// wants is what the members need of the broker together: the highest QoS, and
// no local messages only if nobody wants them.
func (to *route) wants() messages.Want {
	want := messages.Want{Filter: to.wire, NoLocal: true}
	for _, m := range to.members.Each {
		want.QoS = max(want.QoS, m.options.QoS)
		want.NoLocal = want.NoLocal && m.options.NoLocal
	}
	return want
}

// all are the members.
func (to *route) all() []messages.Member {
	if to.everybody == nil {
		for target, m := range to.members.Each {
			to.everybody = append(to.everybody, messages.Member{Target: target, Options: m.options})
		}
	}
	return to.everybody
}

// own are the members whose way among the matching routes is this one: the one
// in which their membership is the oldest, but rather one of which nothing is held back.
func (to *route) own(matched []*route) []messages.Member {
	var own []messages.Member
	for target, m := range to.members.Each {
		older := func(o *route) bool {
			other, ok := o.members.Get(target)
			return ok && (o.held == to.held && other.serial < m.serial || to.held && !o.held)
		}
		if !slices.ContainsFunc(matched, older) {
			own = append(own, messages.Member{Target: target, Options: m.options})
		}
	}
	return own
}

// concerns says whether the broker sent this copy for the route's filter. A
// broker that sends one copy for each filter names the filter's identifier in
// each [MQTT-3.3.4-4]; one that names none sent it for all.
func (to *route) concerns(d messages.Delivery) bool {
	return len(d.Identifiers) == 0 || slices.Contains(d.Identifiers, to.identifier)
}

// wayOf is the matching route by which a target gets messages, the one in which it
// has been for the longest, and its membership there.
func wayOf(target messages.Target, matched []*route) (way *route, member messages.Member) {
	var oldest membership
	for _, to := range matched {
		if m, ok := to.members.Get(target); ok && (way == nil || way.held && !to.held || way.held == to.held && m.serial < oldest.serial) {
			way, oldest = to, m
		}
	}
	return way, messages.Member{Target: target, Options: oldest.options}
}

// part is one subscription's share of a delivery.
type part struct {
	to      *route
	members []messages.Member
}

// appendPart adds members to the part of a route.
func appendPart(parts []part, to *route, members ...messages.Member) []part {
	i := slices.IndexFunc(parts, func(p part) bool { return p.to == to })
	if i < 0 {
		i = len(parts)
		parts = append(parts, part{to: to})
	}
	parts[i].members = append(parts[i].members, members...)
	return parts
}

// still are those of them that are members of the route.
func (to *route) still(members []messages.Member) (list []messages.Member) {
	for _, m := range members {
		if to.has(m.Target) {
			list = append(list, m)
		}
	}
	return list
}

// missing are the members of a route, or the one that is named, that the registry does not have.
func (to *route) missing(i placement.Item, members []messages.Member) (gone []messages.Target) {
	if !i.Whole() {
		if len(members) == 0 && to.has(i.Target) {
			gone = append(gone, i.Target)
		}
		return gone
	}
	stay := setOf(members, func(m messages.Member) messages.Target { return m.Target })
	for target := range to.members.Each {
		if !stay[target] {
			gone = append(gone, target)
		}
	}
	return gone
}

// targets are those of all members.
func (to *route) targets() (list []messages.Target) {
	for target := range to.members.Each {
		list = append(list, target)
	}
	return list
}

// setOf are the keys of a list.
func setOf[T any, K comparable](list []T, key func(T) K) map[K]bool {
	set := make(map[K]bool, len(list))
	for _, e := range list {
		set[key(e)] = true
	}
	return set
}
