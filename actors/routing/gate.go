package routing

import "chanmqttproxy/messages"

// Gate holds deliveries while subscriptions are asked to pass on what they have.
type Gate struct {
	flushing int // Flushes that are not answered
	idle     []messages.Target
	held     []messages.Delivery
}

// Flush closes the gate until one Flushed more has come.
func (g *Gate) Flush() { g.flushing++ }

// Open says whether deliveries may go on.
func (g *Gate) Open() bool { return g.flushing == 0 }

// Len is how many deliveries are held.
func (g *Gate) Len() int { return len(g.held) }

// Hold keeps a delivery if the gate is closed, and says whether it does.
func (g *Gate) Hold(d messages.Delivery) bool {
	if g.Open() {
		return false
	}
	g.held = append(g.held, d)
	return true
}

// Idle notes targets that were in no filter any more. Something may be under way to them
// until the gate opens.
func (g *Gate) Idle(targets ...messages.Target) { g.idle = append(g.idle, targets...) }

// Lost says that a Flushed was not handled.
func (g *Gate) Lost() { g.flushing = max(0, g.flushing-1) }

// Flushed notes one. When it was the last, the gate is open, and the deliveries and targets
// that were noted are returned.
func (g *Gate) Flushed() (held []messages.Delivery, idle []messages.Target) {
	if g.Lost(); !g.Open() {
		return nil, nil
	}
	held, idle = g.held, g.idle
	g.held, g.idle = nil, nil
	return held, idle
}
