package retained

import (
	"hash/maphash"
	"slices"

	"chanmqttproxy/actors/stats"
	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

// Recipients are those behind a target that wait for the retained messages of
// filters, and what was passed on of each topic since the first of them came. A recipient
// gets a retained message if nothing live of its topic has come since: that would be newer,
// for all that one can know.
//
// Where memory is short it is forgotten which topics those were: no recipient is
// left on an old message, but one may miss some.
type Recipients struct {
	stats   *stats.Stats
	budget  stats.Budget
	filters map[string]*waiting
	waiting int // in all filters
	topics  map[string]lastSeen
	floor   uint64 // the highest live Seq of the topics that were forgotten
	held    int64  // memory that all this occupies, in bytes
	last    *Channels
}

// waiting are the recipients of one filter, in the order of their coming.
type waiting struct {
	list  []recipient
	place map[string]int // by channel
}

// recipient is a channel, or everybody ("").
type recipient struct {
	channel         string
	options         messages.Options
	after, revision uint64
}

// lastSeen is what was passed on of one topic: the Seq of the last live message and
// of the last retained one, and a hash of that one's payload.
type lastSeen struct{ live, retained, value uint64 }

// Channels are those that an event is for.
type Channels struct{ Names []string }

// Share is what some of the recipients are to get of a retained message; To is nil for
// everybody.
type Share struct {
	Options messages.Options
	To      *Channels
}

// What one entry is taken to occupy, beside its name, in bytes.
const (
	recipientSize = 256
	lastSeenSize  = 128
)

var valueSeed = maphash.MakeSeed()

// NewRecipients makes the recipients of one target: none.
func NewRecipients(s *stats.Stats, budget stats.Budget) Recipients {
	return Recipients{stats: s, budget: budget, filters: map[string]*waiting{}, topics: map[string]lastSeen{}}
}

// Add adds a recipient; one that is there already begins anew.
func (n *Recipients) Add(m messages.SendRetained) {
	o, ok := n.filters[m.Filter]
	if !ok {
		o = &waiting{place: map[string]int{}}
		n.filters[m.Filter] = o
	}
	who := recipient{channel: m.Channel, options: m.Options, after: m.After, revision: m.Revision}
	if i, known := o.place[m.Channel]; known {
		o.list[i] = who
		return
	}
	if n.budget.Over(n.held) {
		n.stats.Overflowed.Add(1)
		return
	}
	o.place[m.Channel] = len(o.list)
	o.list = append(o.list, who)
	n.count(who, 1)
}

func (n *Recipients) count(who recipient, sign int) {
	n.waiting += sign
	n.stats.Recipients.Add(int64(sign))
	n.hold(int64(sign) * int64(recipientSize+len(who.channel)))
}

// hold accounts for memory.
func (n *Recipients) hold(bytes int64) {
	n.held += bytes
	n.stats.WaitingBytes.Add(bytes)
}

// Live notes that a live message is passed on.
func (n *Recipients) Live(topic string, seq uint64) {
	if n.waiting == 0 {
		return
	}
	p := n.of(topic)
	p.live = max(p.live, seq)
	if !n.put(topic, p) {
		n.forget(p.live)
	}
}

// of is what was passed on of a topic.
func (n *Recipients) of(topic string) lastSeen {
	if p, known := n.topics[topic]; known {
		return p
	}
	return lastSeen{live: n.floor}
}

// put notes something of a topic, if there is room.
func (n *Recipients) put(topic string, p lastSeen) bool {
	if _, known := n.topics[topic]; !known {
		if n.budget.Over(n.held) {
			return false
		}
		n.hold(int64(lastSeenSize + len(topic)))
	}
	n.topics[topic] = p
	return true
}

// forget forgets the topics; any of them may have had a live message up to the
// floor.
func (n *Recipients) forget(floor uint64) {
	n.floor = max(n.floor, floor)
	for topic, p := range n.topics {
		n.floor = max(n.floor, p.live)
		n.hold(-int64(lastSeenSize + len(topic)))
	}
	clear(n.topics)
}

// Deliver notes a retained message and says who is to get it. The channels of neighbouring
// ones for the same recipients are the same.
func (n *Recipients) Deliver(m *messages.Message, seq uint64) []Share {
	p := n.of(m.Topic)
	value := maphash.Bytes(valueSeed, m.Payload)
	var shares []Share
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
	p.retained, p.value = seq, value
	n.put(m.Topic, p) // else somebody may get it twice
	n.stats.RetainedSent.Add(int64(len(seen)))
	return n.reuseChannels(shares)
}

// due says whether a recipient is to get a retained message. One that it has is sent again
// only if it is another: an earlier connection may have brought an older one.
func (n *Recipients) due(who recipient, p lastSeen, seq, value uint64) bool {
	return seq > who.after && p.live <= who.after && (p.retained <= who.after || p.value != value)
}

// add puts a recipient to those with the same options. Everybody is alone: that
// includes all others.
func add(shares []Share, who recipient) []Share {
	switch {
	case len(shares) > 0 && shares[0].To == nil:
		return shares
	case who.channel == "":
		return []Share{{Options: who.options}}
	}
	i := slices.IndexFunc(shares, func(s Share) bool { return s.Options == who.options })
	if i < 0 {
		i = len(shares)
		shares = append(shares, Share{Options: who.options, To: &Channels{}})
	}
	shares[i].To.Names = append(shares[i].To.Names, who.channel)
	return shares
}

// reuseChannels has channels like the last ones be the same.
func (n *Recipients) reuseChannels(shares []Share) []Share {
	for i := range shares {
		s := &shares[i]
		switch {
		case s.To == nil:
		case n.last != nil && slices.Equal(n.last.Names, s.To.Names):
			s.To = n.last
		default:
			n.last = s.To
		}
	}
	return shares
}

// Complete takes those away who have got everything of a filter, up to a revision.
func (n *Recipients) Complete(filter string, revision uint64) {
	o, ok := n.filters[filter]
	if !ok {
		return
	}
	o.list = slices.DeleteFunc(o.list, func(who recipient) bool {
		if who.revision <= revision {
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
	if n.waiting == 0 {
		n.forget(0)
		n.floor, n.last = 0, nil
	}
}

// Clear takes everybody away.
func (n *Recipients) Clear() {
	for filter := range n.filters {
		n.Complete(filter, ^uint64(0))
	}
}
