package actors

import "fmt"

// pairs counts the pairs of filter and target, and bounds those that commands add. What
// was stored, or is configured, is not refused.
type pairs struct {
	*env
	own  int // of this slot
	said bool
}

func (p *pairs) add(n int) {
	p.own += n
	if all := p.Stats.Pairs.Add(int64(n)); all < int64(p.MaxSubscriptions) {
		p.said = false
	}
}

// full says whether there is no room for so many more, of so many as there are. It logs that
// once, until there is room again.
func (p *pairs) full(more, all int) bool {
	if more == 0 || all+more <= p.MaxSubscriptions {
		return false
	}
	p.Stats.TooMany.Add(1)
	if !p.said {
		p.said = true
		p.Log.Warn("further subscriptions are refused", "reason", p.reason(all))
	}
	return true
}

func (p *pairs) reason(all int) string {
	return fmt.Sprintf("there are %d subscriptions, counted by filter and target, and MQTT_MAX_SUBSCRIPTIONS is %d: unsubscribe from some, or raise it",
		all, p.MaxSubscriptions)
}
