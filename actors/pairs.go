package actors

import (
	"fmt"

	"chanmqttproxy/messages"
)

// pairs counts the pairs of filter and target, and bounds those that commands add. What
// was stored, is configured, or comes from another slot is not refused.
type pairs struct {
	*dependencies
	own  int // of this slot
	said bool
}

func (p *pairs) add(n int) {
	p.own += n
	if all := p.Stats.Pairs.Add(int64(n)); all < int64(p.MaxSubscriptions) {
		p.said = false
	}
}

// full says whether there is no room for those of the targets that are not in the route
// yet. The route may be nil. It logs that once, until there is room again.
func (p *pairs) full(targets []messages.Target, to *route) bool {
	more := 0
	for _, target := range targets {
		if to == nil || !to.has(target) {
			more++
		}
	}
	if more == 0 || p.Stats.Pairs.Load()+int64(more) <= int64(p.MaxSubscriptions) {
		return false
	}
	p.Stats.TooMany.Add(1)
	if !p.said {
		p.said = true
		p.Log.Warn("further subscriptions are refused", "reason", p.reason())
	}
	return true
}

func (p *pairs) reason() string {
	return fmt.Sprintf("there are %d subscriptions, counted by filter and target, and MQTT_MAX_SUBSCRIPTIONS is %d: unsubscribe from some, or raise it",
		p.Stats.Pairs.Load(), p.MaxSubscriptions)
}
