package probe

import (
	"context"
	"errors"
	"slices"

	"chanmqttproxy/messages"
)

// Ping implements the port.
func (l *Layer) Ping(context.Context) error { return l.do("pinging", func() {}) }

// Receive implements the port.
func (l *Layer) Receive(ctx context.Context, limit int) (taken []messages.Received, err error) {
	err = l.wait(ctx, "receiving", func() bool { return len(l.queue) > 0 }, func() {
		n := min(limit, len(l.queue))
		taken = slices.Clone(l.queue[:n])
		l.queue = l.queue[n:]
	})
	return taken, err
}

// Acknowledge implements the port.
func (l *Layer) Acknowledge(_ context.Context, receipts []messages.Receipt) error {
	return l.do("acknowledging", func() {
		for _, r := range receipts {
			l.acked[r] = true
		}
	})
}

// Bury implements the port.
func (l *Layer) Bury(_ context.Context, burials []messages.Burial) error {
	return l.do("burying", func() {
		for _, b := range burials {
			l.buried[b.Receipt] = b.Reason
		}
	})
}

// Send implements the port.
func (l *Layer) Send(ctx context.Context, b *messages.Batch) (o messages.Outcome, err error) {
	err = l.wait(ctx, "sending", func() bool { return !l.stuck[b.Target] }, func() {
		for _, q := range l.queuesOf(b) {
			l.write(b, q, &o)
		}
	})
	return o, err
}

func (l *Layer) queuesOf(b *messages.Batch) []messages.Queue {
	if b.Queue != nil {
		return []messages.Queue{*b.Queue}
	}
	if b.Only != nil {
		return queuesOf(b.Only)
	}
	names := l.queues[b.Target]
	if names == nil {
		names = []string{b.Target.String()}
	}
	var list []messages.Queue
	for _, name := range names {
		list = append(list, messages.Queue{Name: name, Members: []string{name + "member"}})
	}
	return list
}

// queuesOf are the queues of channels; each channel is one of a process.
func queuesOf(channels []string) (list []messages.Queue) {
	for _, name := range channels {
		queue := messages.NonLocal(name)
		i := slices.IndexFunc(list, func(q messages.Queue) bool { return q.Name == queue })
		if i < 0 {
			i = len(list)
			list = append(list, messages.Queue{Name: queue})
		}
		list[i].Members = append(list[i].Members, name)
	}
	return list
}

func (l *Layer) write(b *messages.Batch, q messages.Queue, o *messages.Outcome) {
	take := len(b.Bundles)
	if room, bounded := l.room[q.Name]; bounded {
		take = min(take, room)
	}
	if slices.Contains(b.Skip, q.Name) {
		take = 0
	}
	for _, bundle := range b.Bundles[:take] {
		l.writeBundle(q.Name, bundle)
	}
	if room, bounded := l.room[q.Name]; bounded {
		l.room[q.Name] = room - take
	}
	o.Stored += take
	if take < len(b.Bundles) {
		o.Refused = append(o.Refused, messages.Refusal{Queue: q, From: take})
	}
}

func (l *Layer) writeBundle(queue string, b messages.Bundle) {
	for _, e := range b.Events {
		if l.poison != "" && e.Message.Topic == l.poison {
			panic("poison")
		}
	}
	l.written[queue] = append(l.written[queue], b.Events...)
	if b.Plural {
		l.plural = append(l.plural, len(b.Events))
	}
}

// Restore implements the port.
func (l *Layer) Restore(ctx context.Context) (all messages.Restored, err error) {
	if l.writer != nil {
		return l.writer.Restore(ctx)
	}
	err = l.do("restoring", func() {
		all.Stored, all.Epochs = slices.Clone(l.stored), l.epochs
		for f := range l.leaving {
			all.Leaving = append(all.Leaving, f)
		}
		for _, r := range l.refused {
			all.Refused = append(all.Refused, r)
		}
	})
	return all, err
}

// Intact implements the port: what Forget forgot is not.
func (l *Layer) Intact(ctx context.Context) (intact bool, err error) {
	if l.writer != nil {
		return l.writer.Intact(ctx)
	}
	err = l.do("looking what is stored", func() {
		intact = !l.forgot
		l.forgot = false
	})
	return intact, err
}

// Write implements the port.
func (l *Layer) Write(ctx context.Context, changes []messages.Change) (number uint64, err error) {
	if l.writer != nil {
		return l.writer.Write(ctx, changes)
	}
	err = l.do("storing", func() {
		for _, c := range changes {
			l.store(c)
			l.number++
		}
		number = l.number
	})
	return number, err
}

func (l *Layer) store(c messages.Change) {
	forget := func(s messages.Stored) {
		l.stored = slices.DeleteFunc(l.stored, func(o messages.Stored) bool { return o.Filter == s.Filter && o.Target == s.Target })
	}
	switch {
	case len(c.Epochs) > 0:
		l.epochs = c.Epochs
	case c.Put != nil:
		forget(*c.Put)
		l.stored = append(l.stored, *c.Put)
	case c.Remove != nil:
		forget(*c.Remove)
	case c.Leaving != "":
		l.leaving[c.Leaving] = true
	case c.Gone != "":
		delete(l.leaving, c.Gone)
	case c.Refusal != nil:
		l.refused[c.Refusal.Filter] = *c.Refusal
	case c.Accepted != "":
		delete(l.refused, c.Accepted)
	}
}

// Live implements the port.
func (l *Layer) Live(_ context.Context, targets []messages.Target) (live []bool, err error) {
	err = l.do("looking who listens", func() {
		for _, t := range targets {
			live = append(live, !l.dead[t])
		}
	})
	return live, err
}

func (l *Layer) do(doing string, f func()) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.fault(doing); err != nil {
		return err
	}
	f()
	return nil
}

// wait does something as soon as it can be done.
func (l *Layer) wait(ctx context.Context, doing string, ready func() bool, f func()) error {
	defer context.AfterFunc(ctx, func() { l.change(func() {}) })()
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		if err := errors.Join(ctx.Err(), l.fault(doing)); err != nil {
			return err
		}
		if ready() {
			f()
			return nil
		}
		l.arrived.Wait()
	}
}
