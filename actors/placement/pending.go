package placement

import (
	"slices"

	"chanmqttproxy/messages"
)

// Pending are the commands that change the registry, each from when it is handled until the
// View has what it has changed: until then the View alone says too little of their filters.
// The zero value has none.
type Pending struct {
	commands map[messages.Receipt]*pending
	written  []messages.Receipt // oldest first
	filters  map[string]int     // how many of the commands change each
	pairs    int
}

// pending is one command.
type pending struct {
	wire   string
	adds   []messages.Target
	pairs  int
	number uint64 // of the registry when it was written
}

// Begin notes a command that changes a filter, and adds targets to it: that many pairs that
// the registry has not yet.
func (p *Pending) Begin(receipt messages.Receipt, wire string, adds []messages.Target, pairs int) {
	if receipt == "" {
		return // nobody says when it is written
	}
	if p.commands == nil {
		p.commands, p.filters = map[messages.Receipt]*pending{}, map[string]int{}
	}
	p.commands[receipt] = &pending{wire: wire, adds: adds, pairs: pairs}
	p.filters[wire]++
	p.pairs += pairs
}

// Written notes the number of the registry with what a command has changed.
func (p *Pending) Written(receipt messages.Receipt, number uint64) {
	if c := p.commands[receipt]; c != nil && c.number == 0 {
		c.number = number
		p.written = append(p.written, receipt)
	}
}

// Seen ends the commands that a View of that number has, and returns the filters of which it
// has all now.
func (p *Pending) Seen(number uint64) (wires []string) {
	n := 0
	for _, receipt := range p.written {
		c := p.commands[receipt]
		if c.number > number {
			break
		}
		n++
		delete(p.commands, receipt)
		p.pairs -= c.pairs
		if p.filters[c.wire]--; p.filters[c.wire] == 0 {
			delete(p.filters, c.wire)
			wires = append(wires, c.wire)
		}
	}
	p.written = p.written[n:]
	return wires
}

// Changes says whether a command changes a filter.
func (p *Pending) Changes(wire string) bool { return p.filters[wire] > 0 }

// Adds says whether a command adds a target to a filter.
func (p *Pending) Adds(i Item) bool {
	if !p.Changes(i.Wire) {
		return false
	}
	for _, c := range p.commands {
		if c.wire == i.Wire && slices.Contains(c.adds, i.Target) {
			return true
		}
	}
	return false
}

// Pairs is how many pairs of filter and target are added.
func (p *Pending) Pairs() int { return p.pairs }
