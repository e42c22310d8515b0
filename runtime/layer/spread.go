package layer

import (
	"context"
	"errors"
	"sync"
	"unicode/utf8"

	"chanmqttproxy/messages"
)

// maxWrites is how many queues one Send writes to at the same time.
const maxWrites = 32

// part is one queue of a group, and what became of it.
type part struct {
	queue   messages.Queue
	outcome messages.Outcome
	err     error
}

// spread writes a load to queues of a group, each by a call of its own to the host
// that has it.
func (c *Core) spread(ctx context.Context, l load, queues []messages.Queue) (messages.Outcome, error) {
	parts := make([]part, len(queues))
	done := c.partial.take(l.stamp)
	slots := make(chan struct{}, maxWrites)
	var all sync.WaitGroup
	for i, queue := range queues {
		parts[i].queue = queue
		if outcome, ok := done[queue.Name]; ok {
			parts[i].outcome = outcome
			continue
		}
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			parts[i].outcome, parts[i].err = c.carry(ctx, l, c.destination(l.target, &parts[i].queue, l.stamp))
		})
	}
	all.Wait()
	return c.sum(l, parts)
}

// sum makes one outcome of all. Where a part failed the load may come again: the
// parts that did not are remembered.
func (c *Core) sum(l load, parts []part) (sum messages.Outcome, err error) {
	var errs []error
	for _, p := range parts {
		errs = append(errs, p.err)
		sum.Stored += p.outcome.Stored
		sum.NameBytes += p.outcome.NameBytes
		sum.FullQueues = append(sum.FullQueues, p.outcome.FullQueues...)
		sum.Undecodable = max(sum.Undecodable, p.outcome.Undecodable) // the same in each
		sum.BigNumbers = max(sum.BigNumbers, p.outcome.BigNumbers)
	}
	if err := firstError(errs); err != nil {
		if l.repeatable {
			c.partial.keep(l.stamp, parts)
		}
		return messages.Outcome{}, err
	}
	return sum, nil
}

// firstError is the first that says more than that the caller gave up, if any
// does.
func firstError(errs []error) error {
	var first error
	for _, err := range errs {
		if err != nil && (first == nil || errors.Is(first, context.Canceled)) {
			first = err
		}
	}
	return first
}

// members reads who is in a group, by queue. Names that are not UTF-8 are left out:
// their reader would fail.
func (c *Core) members(ctx context.Context, t messages.Target) ([]messages.Queue, error) {
	d := destination{server: c.on(t.Name), key: c.keys.group(t.Name), kind: "members"}
	args := append(c.config.command(d, 0), "", 0, 0, 0)
	names, err := d.server.sender.do(ctx, call{args: args})
	if err != nil {
		return nil, d.server.failure("reading the members of "+t.String(), err)
	}
	var members []string
	for _, n := range names {
		if name, ok := n.(string); ok && len(name) <= maxMember && utf8.ValidString(name) {
			members = append(members, name)
		}
	}
	return queuesOf(members), nil
}

// queuesOf are the queues of channels, in the order of the first of each.
func queuesOf(channels []string) (queues []messages.Queue) {
	place := map[string]int{}
	for _, name := range channels {
		queue := messages.NonLocal(name)
		if _, known := place[queue]; !known {
			place[queue] = len(queues)
			queues = append(queues, messages.Queue{Name: queue})
		}
		q := &queues[place[queue]]
		q.Members = append(q.Members, name)
	}
	return queues
}

// maxMember is the longest name of a member in bytes.
const maxMember = 65535
