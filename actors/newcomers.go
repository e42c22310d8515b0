package actors

import (
	"hash/maphash"
	"slices"

	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

// newcomers are those whom a target reaches that wait for the retained values of
// filters' topics, and what was passed on of each topic since the first of them
// came. A newcomer gets a value if nothing live of its topic has come since: that
// would be newer, for all that one can know.
//
// Where memory is short it is forgotten which topics those were: no newcomer is
// left on an old value, but one may miss some.
type newcomers struct {
	*env
	filters map[string]*opening
	open    int
	topics  map[string]passed
	floor   uint64 // the highest live Seq of the topics that were forgotten
	held    int64  // memory that all this occupies, in bytes
	last    *audience
}

// opening are the newcomers of one filter, in the order of their coming.
type opening struct {
	list  []newcomer
	place map[string]int // by channel
}

// newcomer is a channel, or everybody ("").
type newcomer struct {
	channel       string
	options       messages.Options
	after, serial uint64
}

// passed is what was passed on of one topic: the Seq of the last live message and
// of the last replay, and a hash of that one's payload.
type passed struct{ live, replay, value uint64 }

// audience are the channels that an event is for.
type audience struct{ channels []string }

// share is what some of the newcomers are to get of a value; to is nil for
// everybody.
type share struct {
	options messages.Options
	to      *audience
}

// What one entry is taken to occupy, beside its name, in bytes.
const (
	newcomerSize = 256
	passedSize   = 128
)

var valueSeed = maphash.MakeSeed()

func newNewcomers(deps *env) newcomers {
	return newcomers{env: deps, filters: map[string]*opening{}, topics: map[string]passed{}}
}

// welcome adds a newcomer; one that is there already begins anew.
func (n *newcomers) welcome(m messages.Welcome) {
	o, ok := n.filters[m.Filter]
	if !ok {
		o = &opening{place: map[string]int{}}
		n.filters[m.Filter] = o
	}
	who := newcomer{channel: m.Channel, options: m.Options, after: m.After, serial: m.Serial}
	if i, known := o.place[m.Channel]; known {
		o.list[i] = who
		return
	}
	if n.crowded(n.held) {
		n.Stats.Overflowed.Add(1)
		return
	}
	o.place[m.Channel] = len(o.list)
	o.list = append(o.list, who)
	n.count(who, 1)
}

func (n *newcomers) count(who newcomer, sign int) {
	n.open += sign
	n.Stats.Newcomers.Add(int64(sign))
	n.hold(int64(sign) * int64(newcomerSize+len(who.channel)))
}

// hold accounts for memory.
func (n *newcomers) hold(bytes int64) {
	n.held += bytes
	n.Stats.WaitingBytes.Add(bytes)
}

// live notes that a live message is passed on.
func (n *newcomers) live(topic string, seq uint64) {
	if n.open == 0 {
		return
	}
	p := n.of(topic)
	p.live = max(p.live, seq)
	if !n.put(topic, p) {
		n.forget(p.live)
	}
}

// of is what was passed on of a topic.
func (n *newcomers) of(topic string) passed {
	if p, known := n.topics[topic]; known {
		return p
	}
	return passed{live: n.floor}
}

// put notes something of a topic, if there is room.
func (n *newcomers) put(topic string, p passed) bool {
	if _, known := n.topics[topic]; !known {
		if n.crowded(n.held) {
			return false
		}
		n.hold(int64(passedSize + len(topic)))
	}
	n.topics[topic] = p
	return true
}

// forget forgets the topics; any of them may have had a live message up to the
// floor.
func (n *newcomers) forget(floor uint64) {
	n.floor = max(n.floor, floor)
	for topic, p := range n.topics {
		n.floor = max(n.floor, p.live)
		n.hold(-int64(passedSize + len(topic)))
	}
	clear(n.topics)
}

// replay notes a retained value and says who is to get it. Neighbouring values
// for the same newcomers have the same audience.
func (n *newcomers) replay(m *messages.Message, seq uint64) []share {
	p := n.of(m.Topic)
	value := maphash.Bytes(valueSeed, m.Payload)
	var shares []share
	seen := map[string]bool{}
	for filter, o := range n.filters {
		if !topic.Match(filter, m.Topic) {
			continue
		}
		for _, who := range o.list {
			if n.due(who, p, seq, value) && !seen[who.channel] {
				seen[who.channel] = true
				shares = add(shares, who)
			}
		}
	}
	if len(shares) == 0 {
		return nil
	}
	p.replay, p.value = seq, value
	n.put(m.Topic, p) // else somebody may get it twice
	n.Stats.Replayed.Add(int64(len(seen)))
	return n.settleAudiences(shares)
}

// due says whether a newcomer is to get a value. One that it has is sent again
// only if it is another: an earlier connection may have brought an older one.
func (n *newcomers) due(who newcomer, p passed, seq, value uint64) bool {
	return seq > who.after && p.live <= who.after && (p.replay <= who.after || p.value != value)
}

// add puts a newcomer to those with the same options. Everybody is alone: that
// includes all others.
func add(shares []share, who newcomer) []share {
	switch {
	case len(shares) > 0 && shares[0].to == nil:
		return shares
	case who.channel == "":
		return []share{{options: who.options}}
	}
	i := slices.IndexFunc(shares, func(s share) bool { return s.options == who.options })
	if i < 0 {
		i = len(shares)
		shares = append(shares, share{options: who.options, to: &audience{}})
	}
	shares[i].to.channels = append(shares[i].to.channels, who.channel)
	return shares
}

// settleAudiences has an audience like the last one be the same.
func (n *newcomers) settleAudiences(shares []share) []share {
	for i := range shares {
		s := &shares[i]
		switch {
		case s.to == nil:
		case n.last != nil && slices.Equal(n.last.channels, s.to.channels):
			s.to = n.last
		default:
			n.last = s.to
		}
	}
	return shares
}

// welcomed takes those away who have got everything.
func (n *newcomers) welcomed(filter string, serial uint64) {
	o, ok := n.filters[filter]
	if !ok {
		return
	}
	o.list = slices.DeleteFunc(o.list, func(who newcomer) bool {
		if who.serial <= serial {
			n.count(who, -1)
			return true
		}
		return false
	})
	clear(o.place)
	for i, who := range o.list {
		o.place[who.channel] = i
	}
	if len(o.list) == 0 {
		delete(n.filters, filter)
	}
	if n.open == 0 {
		n.forget(0)
		n.floor, n.last = 0, nil
	}
}

// clear takes everybody away.
func (n *newcomers) clear() {
	for filter := range n.filters {
		n.welcomed(filter, ^uint64(0))
	}
}
