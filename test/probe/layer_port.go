package probe

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
)

// Hosts implements the port.
func (l *Layer) Hosts() []string {
	names := make([]string, len(l.hosts))
	for i := range names {
		names[i] = fmt.Sprintf("redis%d", i)
	}
	return names
}

// commandReader is a connection to one host.
type commandReader struct {
	layer  *Layer
	host   int
	closed bool
}

// OpenReader implements the port.
func (l *Layer) OpenReader(ctx context.Context, host int, lost func(error)) (actors.CommandReader, error) {
	r := &commandReader{layer: l, host: host}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.away || l.hosts[host].away {
		return nil, away("connecting")
	}
	if ctx.Err() != nil {
		return nil, ended("connecting", ctx)
	}
	if l.hosts[host].lost == nil {
		l.hosts[host].lost = map[*commandReader]func(error){}
	}
	l.hosts[host].lost[r] = lost
	return r, nil
}

// Receive implements the port.
func (r *commandReader) Receive(ctx context.Context, limit int) (taken []messages.Received, err error) {
	l := r.layer
	host := &l.hosts[r.host]
	broken := func() error {
		if r.closed || host.away {
			return away("receiving")
		}
		return nil
	}
	err = l.wait(ctx, "receiving", broken, func() bool { return len(host.queue) > 0 }, func() {
		n := min(limit, len(host.queue))
		taken = slices.Clone(host.queue[:n])
		host.queue = host.queue[n:]
		host.taken = append(host.taken, taken...)
	})
	return taken, err
}

// Close implements the port.
func (r *commandReader) Close() {
	r.layer.change(func() {
		r.closed = true
		delete(r.layer.hosts[r.host].lost, r)
	})
}

// Acknowledge implements the port.
func (l *Layer) Acknowledge(_ context.Context, receipts []messages.Receipt) error {
	return l.do("acknowledging", func() {
		for _, r := range receipts {
			l.acked[r] = true
			l.gone(r)
		}
	})
}

// AddDeadLetters implements the port.
func (l *Layer) AddDeadLetters(_ context.Context, letters []messages.DeadLetter) error {
	return l.do("moving messages to the dead letters", func() {
		for _, b := range letters {
			l.deadLetters[b.Receipt] = b.Reason
			l.gone(b.Receipt)
		}
	})
}

// gone forgets a command that was taken.
func (l *Layer) gone(r messages.Receipt) {
	for i := range l.hosts {
		host := &l.hosts[i]
		n := slices.IndexFunc(host.taken, func(m messages.Received) bool { return m.Receipt == r })
		if n >= 0 {
			host.taken = slices.Delete(host.taken, n, n+1)
		}
	}
}

// wrote is the last batch of a target: how much of it each queue has.
type wrote struct {
	stamp  uint64
	queues map[string]int
}

// Send implements the port.
func (l *Layer) Send(ctx context.Context, b *messages.Batch) (o messages.Outcome, err error) {
	err = l.wait(ctx, "sending", fine, func() bool { return !l.stuck[b.Target] }, func() {
		if b.Stamp == 0 {
			l.stamp++
			b.Stamp = l.stamp
		}
		w := l.wrote[b.Target]
		if w == nil {
			w = &wrote{queues: map[string]int{}}
			l.wrote[b.Target] = w
		}
		if w.stamp != b.Stamp {
			w.stamp = b.Stamp
			clear(w.queues)
		}
		for _, q := range l.queuesOf(b) {
			l.write(b, q, w, &o)
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
	if members := l.members[b.Target]; members != nil {
		return queuesOf(members)
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

// write writes to one queue what it has room for, but what it has of a batch that is repeated.
func (l *Layer) write(b *messages.Batch, q messages.Queue, w *wrote, o *messages.Outcome) {
	has, take := w.queues[q.Name], len(b.Bundles)
	if room, bounded := l.room[q.Name]; bounded {
		take = min(take, has+room)
	}
	if slices.Contains(b.Skip, q.Name) {
		take = has
	}
	for _, bundle := range b.Bundles[has:take] {
		l.writeBundle(q.Name, bundle)
	}
	if room, bounded := l.room[q.Name]; bounded {
		l.room[q.Name] = room - (take - has)
	}
	w.queues[q.Name] = take
	o.Stored += take
	for _, name := range q.Members {
		o.NameBytes += take * len(name)
	}
	if take < len(b.Bundles) {
		o.FullQueues = append(o.FullQueues, messages.FullQueue{Queue: q, From: take})
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
			all.Refusals = append(all.Refusals, r)
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

func fine() error { return nil }

// ended is the failure of a call whose context is over.
func ended(doing string, ctx context.Context) error {
	return &messages.LayerFailure{Doing: doing, Err: ctx.Err()}
}

// wait does something as soon as it can be done, unless the layer is away, or broken.
func (l *Layer) wait(ctx context.Context, doing string, broken func() error, ready func() bool, f func()) error {
	defer context.AfterFunc(ctx, func() { l.change(func() {}) })()
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		if ctx.Err() != nil {
			return ended(doing, ctx)
		}
		if err := cmp.Or(l.fault(doing), broken()); err != nil {
			return err
		}
		if ready() {
			f()
			return nil
		}
		l.arrived.Wait()
	}
}
