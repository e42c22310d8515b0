package placement_test

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"chanmqttproxy/actors/placement"
	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

// holder acts for a slot, as the actors do.
type holder struct {
	*world
	process *process
	slot    int
	epoch   uint64 // of the lease
	machine *placement.Slot

	connects   int // the tick at which it connects
	connected  int // since which tick; 0: not
	markers    placement.Markers
	reportDue  bool // the grants are to be reported: the view has changed
	joined     map[string]map[string]bool
	holds      map[string]bool
	held       map[string][]*part
	sending    []*part // to the targets, in order
	open       map[packet]int
	acked      map[packet]bool
	leaving    map[string]*leaving
	asked      map[string]request
	outbox     []messages.Change
	writes     int // the tick of the next write
	commands   []*command
	changes    *placement.Commands
	subscribed map[string]bool           // by this holder
	ending     map[placement.Item]uint64 // the marker behind which all has come
	alone      bool                      // it began as the only slot: it says nothing in its status
}

// pending is the number of what is being written.
const pending = 1 << 40

// part is a message on its way to a target.
type part struct {
	packet
	wire, target string
	since        int64 // it was published after that
	at           int   // the tick at which it is there
}

type leaving struct {
	gone   bool
	sure   bool   // this holder has subscribed: nothing is missing
	closed bool   // what comes is left to the owner
	marker uint64 // when it is back, all has come
}

// request is a SUBSCRIBE or UNSUBSCRIBE under way: a later one of the same filter takes the
// place of an earlier one.
type request struct {
	due          int // the tick of the answer
	away         bool
	resubscribed bool // it was subscribed once more before
}

func (h *holder) ask(wire string, away bool) {
	h.asked[wire] = request{due: h.now + 1 + h.IntN(8), away: away}
}

// resubscribe subscribes to a filter that is to be unsubscribed: the broker may have forgotten that
// the session has it. A marker goes before.
func (h *holder) resubscribe(s *session, wire string) {
	s.queue = append(s.queue, packet{at: h.now, epoch: h.epoch, resubscribing: wire, layout: h.process.view.Epoch().Number})
	s.filters[wire] = true
	h.asked[wire] = request{due: h.now + 1 + h.IntN(8), away: true, resubscribed: true}
}

// window is the receive maximum.
const window = 8

func (w *world) hold(p *process, slot int) *holder {
	h := &holder{
		world: w, process: p, slot: slot, epoch: w.redis.lease[slot].epoch,
		joined: map[string]map[string]bool{}, holds: map[string]bool{}, held: map[string][]*part{},
		open: map[packet]int{}, leaving: map[string]*leaving{}, asked: map[string]request{}, ending: map[placement.Item]uint64{},
		acked: map[packet]bool{}, subscribed: map[string]bool{},
	}
	p.holds[slot] = h
	w.stirred = max(w.stirred, w.now)
	p.read(w) // what an earlier holder has said is known before anything is done
	h.changes = placement.NewCommands(p.view)
	if slot == 0 {
		h.lay()
	}
	h.machine = placement.NewSlot(slot, p.view)
	h.do(h.machine.Changed(placement.Changed{Layout: true}))
	h.connects = w.now + 1 + w.IntN(20)
	return h
}

// lay finds out which layouts count. A slot that is alone takes out what was ending.
func (h *holder) lay() {
	found := h.process.view.Epochs()
	epochs, several := placement.First(found, messages.Layout{Sessions: h.layout, Before: h.before})
	if h.alone = !several; len(found) == 0 {
		h.outbox = append(h.outbox, messages.Change{Epochs: epochs})
	}
	for _, filter := range slices.Concat(exact, overlaps) {
		for _, name := range names {
			if s, ok := h.process.view.Stored(placement.Item{Wire: filter, Target: target(name)}); ok && s.Ending && h.alone {
				h.outbox = append(h.outbox, messages.Change{Remove: &s}, messages.Change{Leaving: filter})
			}
		}
	}
}

// read brings the view up to date, and has the slots act by it.
func (p *process) read(w *world) {
	var sum placement.Changed
	for _, page := range w.pages(p.view.Known(5)) {
		sum.Add(p.view.Apply(page, w.clock()))
	}
	if len(sum.Items) > 0 && w.now < chaosTicks && !w.flushedLately() && w.IntN(50) == 0 {
		p.frozen, p.wakes = true, w.now+45+w.IntN(90)
		w.note("%s stops", p.name)
	}
	for _, slot := range slices.Sorted(maps.Keys(p.holds)) {
		if h := p.holds[slot]; h.machine != nil {
			h.reportDue = true
			h.do(h.machine.Changed(sum))
			if slot == 0 {
				h.changes.Seen()
				h.outbox = append(h.outbox, h.changes.Tidy(sum)...)
			}
		}
	}
}

func (w *world) clock() int64 { return int64(time.Duration(w.now) * tick) }

// do does what the machine says.
func (h *holder) do(e placement.Effects) {
	slices.SortStableFunc(e.Write, func(a, b messages.Change) int { // a seed repeats what happens
		x, _ := keyOf(a)
		y, _ := keyOf(b)
		return cmp.Compare(x, y)
	})
	slices.Sort(e.Leave)
	slices.Sort(e.Hold)
	slices.Sort(e.Release)
	slices.SortFunc(e.Sync, func(a, b placement.Item) int { return cmp.Compare(a.Wire, b.Wire) })
	for _, i := range e.Sync {
		subscribers := map[string]bool{}
		for _, s := range h.machine.Subscribers(i.Wire) {
			subscribers[s.Target.Name] = true
		}
		if len(subscribers) == 0 {
			delete(h.joined, i.Wire)
			h.giveBack(i.Wire)
			continue
		}
		h.joined[i.Wire] = subscribers
		delete(h.leaving, i.Wire)
		if r, ok := h.asked[i.Wire]; h.machine.Asks(i.Wire) && (!ok || r.away) {
			h.ask(i.Wire, false)
		}
	}
	for _, wire := range e.Hold {
		h.holds[wire] = true
		h.note("slot %d of %s holds %s back", h.slot, h.process.name, wire)
	}
	for _, wire := range e.Release {
		delete(h.holds, wire)
		h.note("slot %d of %s releases %s", h.slot, h.process.name, wire)
		for _, p := range h.held[wire] {
			h.send(p)
		}
		delete(h.held, wire)
	}
	for _, wire := range e.Leave {
		h.leaving[wire] = &leaving{sure: h.subscribed[wire]}
		h.note("slot %d of %s: %s is to be left", h.slot, h.process.name, wire)
		h.ask(wire, true)
	}
	for _, i := range e.End {
		h.ending[i] = h.mark()
	}
	h.outbox = append(h.outbox, h.written(e.Write)...)
	if h.writes == 0 && len(h.outbox) > 0 {
		h.writes = h.now + h.IntN(h.process.lag)
	}
}

// written is what is written of what the machine says. A slot that is alone only takes out of
// the registry what it has left.
func (h *holder) written(changes []messages.Change) (list []messages.Change) {
	if !h.alone {
		return changes
	}
	for _, c := range changes {
		if c.Filter != nil && c.Filter.Left > 0 && !h.changes.Subscribed(c.Filter.Filter) {
			list = append(list, messages.Change{Gone: c.Filter.Filter})
		}
	}
	return list
}

func (h *holder) giveBack(wire string) {
	for _, p := range h.held[wire] {
		h.done(p)
	}
	delete(h.held, wire)
}

// send puts a part on its way, unless another slot delivers it.
func (h *holder) send(p *part) {
	v, to := h.process.view, target(p.target)
	if h.faults == trustGrant {
		p.since = h.clock()
	}
	remote, doubt := v.Remote(h.slot, p.wire, to, p.since, v.Match(p.topic, nil))
	if !h.joined[p.wire][p.target] || remote {
		h.done(p)
		return
	}
	if doubt {
		h.mark()
	}
	p.at = h.now + h.IntN(10)
	if n := len(h.sending); n > 0 {
		p.at = max(p.at, h.sending[n-1].at)
	}
	h.sending = append(h.sending, p)
}

// done settles a part; the whole is acknowledged in its turn, unless the connection is another's.
func (h *holder) done(p *part) {
	h.open[p.packet]--
	if h.open[p.packet] > 0 {
		return
	}
	delete(h.open, p.packet)
	h.acked[p.packet] = true
	for s := h.session(h.slot); s.live == h && s.sent > 0 && h.acked[s.queue[0]]; s.sent-- {
		s.queue = s.queue[1:]
	}
}

// mark asks for a marker.
func (h *holder) mark() uint64 {
	seq, send := h.markers.Ask(h.clock())
	if send {
		h.sendMarker(seq)
	}
	return seq
}

// sendMarker publishes a marker, if there is a connection.
func (h *holder) sendMarker(seq uint64) {
	if s := h.session(h.slot); s.live == h {
		s.queue = append(s.queue, packet{n: int(seq), at: h.now + h.IntN(9), epoch: h.epoch})
	}
}

// marked takes a marker from the broker, which may be that of a former holder.
func (h *holder) marked(m packet) {
	switch {
	case m.resubscribing != "":
		if l := h.leaving[m.resubscribing]; l != nil && !l.sure && m.layout == h.process.view.Epoch().Number && h.faults != deliverResubscribed {
			l.closed = true
		}
	case m.epoch == h.epoch:
		if next := h.markers.Came(uint64(m.n), h.clock()); next > 0 {
			h.sendMarker(next)
		}
	}
}

// receive takes a message from the broker.
func (h *holder) receive(m packet) {
	if m.epoch > 0 {
		h.marked(m)
		h.done(&part{packet: m})
		return
	}
	var parts []*part
	seen := map[string]bool{}
	wires := slices.Sorted(maps.Keys(h.joined))
	// The filter by which it is delivered at once goes before one by which it is held back.
	slices.SortStableFunc(wires, func(a, b string) int {
		switch {
		case h.holds[a] == h.holds[b]:
			return 0
		case h.holds[a]:
			return 1
		}
		return -1
	})
	for _, wire := range wires {
		if l := h.leaving[wire]; !topic.Match(wire, m.topic) || l != nil && l.closed {
			continue
		}
		for _, t := range slices.Sorted(maps.Keys(h.joined[wire])) {
			if !seen[t] {
				seen[t] = true
				parts = append(parts, &part{packet: m, wire: wire, target: t, since: h.markers.Since()})
			}
		}
	}
	h.open[m] += len(parts) + 1
	for _, p := range parts {
		if h.holds[p.wire] && h.faults != noHold {
			h.held[p.wire] = append(h.held[p.wire], p)
		} else {
			h.send(p)
		}
	}
	h.done(&part{packet: m})
}

// step does what is due.
func (h *holder) step() {
	s := h.session(h.slot)
	valid := h.redis.lease[h.slot].epoch == h.epoch && h.now <= h.redis.lease[h.slot].until
	if h.connected == 0 && h.now >= h.connects && valid && h.process.view.Loaded() {
		s.live, s.sent, h.connected = h, 0, h.now
		h.markers.Connecting()
		if seq := h.markers.Connected(h.clock()); seq > 0 {
			h.sendMarker(seq)
		}
		h.do(h.machine.Connected())
	}
	if len(s.queue) > window/2 { // what has waited
		h.stirred = max(h.stirred, h.now)
	}
	if s.live == h {
		for s.sent < len(s.queue) && s.queue[s.sent].at <= h.now && s.sent < window && h.IntN(3) > 0 {
			s.sent++
			h.receive(s.queue[s.sent-1])
		}
		h.answers(s)
	}
	for len(h.sending) > 0 && h.sending[0].at <= h.now && valid {
		p := h.sending[0]
		h.sending = h.sending[1:]
		at := delivery{p.target, p.topic}
		h.got[at] = append(h.got[at], taken{h.slot, h.process.view.Epoch().Number, p.n})
		h.done(p)
	}
	h.depart()
	h.end()
	if len(h.outbox) > 0 && h.writes <= h.now && valid {
		h.outboxed()
	}
	if valid && h.now%20 == 0 && h.process.view.Loaded() {
		h.write(h, nil) // what Redis has lost is found missing
	}
	if h.slot >= h.process.view.Epoch().Sessions && h.connected > 0 && h.machine.Idle() && valid && s.live == h && len(s.queue) == 0 && len(h.sending) == 0 {
		h.do(h.machine.Retired())
	}
	if h.slot == 0 && valid {
		h.lead()
	}
}

// answers are those of the broker to what was asked.
func (h *holder) answers(s *session) {
	for _, wire := range slices.Sorted(maps.Keys(h.asked)) {
		r := h.asked[wire]
		if h.now < r.due {
			continue
		}
		if r.away && !r.resubscribed && h.forgets {
			h.resubscribe(s, wire)
			continue
		}
		delete(h.asked, wire)
		if r.away {
			delete(s.filters, wire)
			delete(h.subscribed, wire)
			if l := h.leaving[wire]; l != nil {
				l.gone, l.marker = true, h.mark()
			}
		} else if h.joined[wire] != nil {
			s.filters[wire], h.subscribed[wire] = true, true
			h.report(wire)
		}
	}
	if !h.reportDue {
		return
	}
	h.reportDue = false
	for _, wire := range slices.Sorted(maps.Keys(h.joined)) {
		if _, ok := h.asked[wire]; !ok && s.filters[wire] && h.leaving[wire] == nil && h.machine.Asks(wire) {
			h.report(wire)
		}
	}
}

// report takes in what the broker has granted.
func (h *holder) report(wire string) {
	h.do(h.machine.Answered(messages.FilterStatus{Filter: wire, Number: h.process.view.Asked(wire), Granted: true, QoS: 1}))
}

// leave says of filters that were left, when all is handed over.
func (h *holder) depart() {
	for _, wire := range slices.Sorted(maps.Keys(h.leaving)) {
		l := h.leaving[wire]
		if h.faults == leaveEarly {
			l.gone = true
		}
		if !l.gone || h.faults != noDrain && !h.markers.Passed(l.marker) {
			continue
		}
		left := func(p *part) bool { return p.wire == wire }
		if h.faults != noDrain && (slices.ContainsFunc(h.sending, left) || slices.ContainsFunc(h.held[wire], left)) {
			continue
		}
		delete(h.leaving, wire)
		delete(h.joined, wire)
		delete(h.holds, wire)
		h.note("slot %d of %s: %s is left", h.slot, h.process.name, wire)
		h.do(h.machine.Left(wire))
	}
}

// end says of pairs that end when all is handed over.
func (h *holder) end() {
	var items []placement.Item
	for i, marker := range h.ending {
		under := func(p *part) bool { return p.wire == i.Wire && p.target == i.Target.Name }
		if h.faults == endEarly || h.markers.Passed(marker) && !slices.ContainsFunc(h.sending, under) && !slices.ContainsFunc(h.held[i.Wire], under) {
			items = append(items, i)
		}
	}
	slices.SortFunc(items, func(a, b placement.Item) int {
		return cmp.Or(cmp.Compare(a.Wire, b.Wire), cmp.Compare(a.Target.Name, b.Target.Name))
	})
	for _, i := range items {
		delete(h.ending, i)
		h.stirred = max(h.stirred, h.now)
		h.do(h.machine.Ended(i))
	}
}

func (h *holder) outboxed() {
	changes, changeSeq := h.outbox, h.changes.ChangeSeq()
	h.outbox, h.writes = nil, 0
	for _, c := range changes {
		if c.Status != nil {
			h.note("slot %d of %s writes %v", h.slot, h.process.name, *c.Status)
		}
		if c.Epochs != nil {
			h.note("slot %d of %s writes %v", h.slot, h.process.name, c.Epochs)
		}
	}
	number, ok := h.write(h, changes)
	if !ok {
		h.outbox = append(changes, h.outbox...) // it learns that it is another's
		return
	}
	if h.slot == 0 {
		h.changes.Written(changeSeq, number)
	}
	for _, c := range h.commands {
		if !c.stored && c.number == pending {
			c.stored, c.number = true, number
		}
	}
	for _, c := range changes {
		if len(c.Epochs) > 0 {
			h.changes.Epochs, h.stirred = nil, max(h.stirred, h.now)
			if n := len(h.layouts); n == 0 || h.layouts[n-1] != c.Epochs[len(c.Epochs)-1] {
				h.layouts = append(h.layouts, c.Epochs[len(c.Epochs)-1])
			}
		}
	}
	h.process.read(h.world)
}

// lead is what the first slot does besides.
func (h *holder) lead() {
	v := h.process.view
	if epochs, changed := h.layoutsNow(); changed && h.changes.Epochs == nil && !h.alone {
		h.changes.Epochs = epochs
		h.outbox = append(h.outbox, messages.Change{Epochs: epochs})
	}
	h.leased = max(h.layout, v.Slots())
	if !v.Loaded() {
		return
	}
	h.commands = slices.DeleteFunc(h.commands, func(c *command) bool {
		if !c.stored || v.Number() < c.number {
			return false
		}
		if c.asked == 0 {
			c.asked = v.AskedBy(placement.Item{Wire: c.filter, Target: target(c.target)})
		}
		_, wanted := v.Wanted(placement.Item{Wire: c.filter, Target: target(c.target)})
		over := c.gone || !wanted || slices.ContainsFunc(h.commands, c.endedBy)
		if !h.granted(c) && !over {
			return false
		}
		h.answer(c)
		return true
	})
	for len(h.world.commands) > 0 {
		c := h.world.commands[0]
		h.world.commands = h.world.commands[1:]
		h.commands = append(h.commands, c)
		h.execute(c)
	}
}

// layoutsNow are the layouts that are to count now.
func (h *holder) layoutsNow() (epochs []messages.Epoch, changed bool) {
	all := h.process.view.Epochs()
	if len(all) == 0 || all[len(all)-1].Sessions == h.layout || h.faults != noWait && (h.faults != unsaid || len(all) > 1) {
		return h.changes.Layouts(h.layout)
	}
	newest := all[len(all)-1]
	return []messages.Epoch{newest, {Number: newest.Number + 1, Sessions: h.layout}}, true
}

// granted says whether the broker has answered a subscribe.
func (h *holder) granted(c *command) bool {
	if h.alone {
		_, asked := h.asked[c.filter]
		return h.connected > 0 && !asked && h.session(0).filters[c.filter] && h.joined[c.filter][c.target]
	}
	_, ok := h.process.view.Answer(c.filter, messages.Options{}, c.asked)
	return ok
}

// endedBy says whether a later command takes back what this one asks for: else it would be
// carried out again after it, where the worker dies.
func (c *command) endedBy(other *command) bool {
	return other.gone && other.id > c.id && other.filter == c.filter && other.target == c.target
}

func (h *holder) execute(c *command) {
	c.number, c.stored, c.asked = pending, false, 0
	if c.gone {
		changes := h.changes.Remove(c.filter, []messages.Target{target(c.target)})
		for i := range changes {
			if put := changes[i].Put; put != nil && h.faults == noEnd {
				changes[i] = messages.Change{Remove: put}
			}
		}
		if h.outbox = append(h.outbox, changes...); len(changes) == 0 {
			c.number, c.stored = 0, true
		}
		return
	}
	s := messages.Stored{Filter: c.filter, Target: target(c.target), Options: messages.Options{QoS: 1}}
	changes := h.changes.Put(s)
	if h.alone {
		changes[0].Put.Since = 0
	}
	h.outbox = append(h.outbox, changes...)
}
