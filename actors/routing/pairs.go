package routing

import (
	"fmt"

	"chanmqttproxy/actors/stats"
	"chanmqttproxy/messages"
)

// Pairs counts the pairs of filter and target, and bounds those that commands add. What
// was stored, or is configured, is not refused.
type Pairs struct {
	stats  *stats.Stats
	most   int
	own    int  // of this slot
	logged bool // that it is full
}

// NewPairs makes a count of none, of which there may be so many.
func NewPairs(s *stats.Stats, most int) Pairs { return Pairs{stats: s, most: most} }

// Add counts pairs.
func (p *Pairs) Add(n int) {
	p.own += n
	if all := p.stats.Pairs.Add(int64(n)); all < int64(p.most) {
		p.logged = false
	}
}

// Clear takes this slot's out of the count.
func (p *Pairs) Clear() { p.Add(-p.own) }

// All is how many there are in all slots of the process.
func (p *Pairs) All() int { return int(p.stats.Pairs.Load()) }

// Full says why there is no room for so many more, of so many as there are; nil: there is.
// First: there was before.
func (p *Pairs) Full(more, all int) (refused *messages.Failure, first bool) {
	if more == 0 || all+more <= p.most {
		return nil, false
	}
	p.stats.TooMany.Add(1)
	first, p.logged = !p.logged, true
	return &messages.Failure{Code: messages.CodeRefused, Reason: fmt.Sprintf(
		"there are %d subscriptions, counted by filter and target, and MQTT_MAX_SUBSCRIPTIONS is %d: unsubscribe from some, or raise it", all, p.most)}, first
}
