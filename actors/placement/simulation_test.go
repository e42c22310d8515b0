package placement_test

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"testing"

	"chanmqttproxy/actors/placement"
	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

var (
	histories = flag.Int("histories", 150, "how many random histories are simulated")
	firstSeed = flag.Uint64("seed", 1, "the seed of the first one")
	step      = flag.Uint64("step", 1, "the distance of the seeds; 5: from seed 1, the broker always forgets")
	broken    = flag.String("broken", "", "the rule that is broken in them: see mutation")
)

// Whatever dies, freezes, resizes and is lost: the account holds. A failure names the
// seed that repeats it.
func TestHistories(t *testing.T) {
	t.Parallel()
	for n := range uint64(*histories) {
		seed := *firstSeed + n**step
		if w := history(t, seed, mutation(*broken)); len(w.faulty) > 0 {
			t.Fatalf("seed %d: %v\n%s", seed, w.faulty, w.events())
		}
	}
}

const (
	leaseTicks = 150
	chaosTicks = 900
	quietTicks = 600
	// quick and slow are how many ticks a process waits at most before it reads the tables again.
	quick, slow = 5, 150
	// settleTicks is how long after the last change all is where it belongs.
	settleTicks = 200
)

// overlapped is a topic that several filters match.
const overlapped = "q/x"

var (
	exact    = []string{"t/0", "t/1", "t/2", "t/3"}
	overlaps = []string{"q/#", "q/+", "q/x"}
	names    = []string{"a", "b"}
)

func history(t *testing.T, seed uint64, m mutation) *world {
	w := newWorld(t, seed, m)
	for range 3 {
		w.start()
	}
	if seed%4 == 0 {
		w.older()
	}
	for range chaosTicks {
		w.fault()
		w.tick()
	}
	w.calm()
	for w.now < chaosTicks+quietTicks || w.now < min(w.stirred+settleTicks, chaosTicks+3*quietTicks) {
		w.tick()
		if w.now == w.stirred+settleTicks {
			w.placed()
		}
	}
	w.rest = w.published[overlapped]
	for range quietTicks {
		if w.tick(); w.now%50 == 0 && w.published[overlapped] < w.rest+5 {
			w.publish(overlapped)
		}
	}
	w.account()
	return w
}

// older has an older version have subscribed, and messages wait.
func (w *world) older() {
	w.before, w.layout = 1+w.IntN(3), 1+w.IntN(3)
	w.leased = max(w.before, w.layout)
	t := w.redis.table(messages.RegistryTable)
	t.life = "older"
	for _, filter := range slices.Concat(exact, overlaps) {
		s := subscription{filter, names[w.IntN(2)]}
		put := messages.Stored{Filter: s.filter, Target: target(s.target), Options: messages.Options{QoS: 1}}
		t.number++
		key, _ := keyOf(messages.Change{Put: &put})
		t.entries[key] = &row{number: t.number, change: messages.Change{Put: &put}}
		w.granted[s], w.last[s] = true, &command{}
		w.session(topic.Slot(filter, w.before)).filters[filter] = true
	}
	for range 5 {
		for _, name := range append(exact, overlapped) {
			w.publish(name)
		}
	}
}

func (w *world) start() {
	w.workers = append(w.workers, &process{name: fmt.Sprint("worker ", len(w.workers)), view: &placement.View{}, holds: map[int]*holder{}, lag: []int{quick, quick, slow}[w.IntN(3)]})
}

// fault does something to somebody.
func (w *world) fault() {
	p := w.workers[w.IntN(len(w.workers))]
	switch n := w.IntN(1000); {
	case w.overlaps && n < 60:
		w.command(overlaps)
	case w.overlaps && n < 160:
		w.publish(overlapped)
	case w.overlaps && n < 165:
		w.resize()
	case w.overlaps && n < 400:
	case n < 25:
		w.command(slices.Concat(exact, overlaps))
	case n < 400:
		w.publish([]string{"t/0", "t/1", "t/2", "t/3", overlapped}[w.IntN(5)])
	case n < 404:
		w.kill(p)
	case n < 412 && !p.dead && !w.flushedLately():
		p.frozen, p.wakes = !p.frozen, 0
		w.note("%s frozen: %v", p.name, p.frozen)
	case n < 417:
		w.resize()
	case n < 419:
		w.flush()
	}
}

func (w *world) resize() {
	w.layout = []int{1, 2, 3, 5}[w.IntN(4)]
	w.leased = max(w.leased, w.layout)
	w.note("sessions: %d", w.layout)
}

func (w *world) flushedLately() bool { return w.now < w.flushed+100 }

func (w *world) command(filters []string) {
	c := &command{id: len(w.issued), target: names[w.IntN(2)], gone: w.IntN(3) == 0}
	c.filter = filters[w.IntN(len(filters))]
	w.issued = append(w.issued, c)
	s := subscription{c.filter, c.target}
	w.last[s] = c
	w.commands = append(w.commands, c)
	if c.gone {
		w.unsubscribed(s)
	}
	w.note("command %d: %s %s gone %v", c.id, c.filter, c.target, c.gone)
}

// unsubscribed forgets what was due by that filter alone: it may come or not.
func (w *world) unsubscribed(s subscription) {
	delete(w.granted, s)
	for at, due := range w.due {
		if at.target != s.target {
			continue
		}
		for n, by := range due {
			if by = slices.DeleteFunc(by, func(f string) bool { return f == s.filter }); len(by) == 0 {
				delete(due, n)
			} else {
				due[n] = by
			}
		}
	}
	for name := range w.published {
		if topic.Match(s.filter, name) {
			w.cut[delivery{s.target, name}] = w.published[name]
		}
	}
}

// answer answers the sender of a command.
func (h *holder) answer(c *command) {
	h.world.answers[c.id]++
	h.stirred = max(h.stirred, h.now)
	if s := (subscription{c.filter, c.target}); !c.gone && h.last[s] == c && !h.world.granted[s] {
		h.world.granted[s] = true
		h.cut[delivery{c.target, c.filter}] = h.published[c.filter] // what came before is in no order
	}
	h.note("command %d answered", c.id)
}

func (w *world) kill(p *process) {
	if p.dead || w.flushedLately() {
		return
	}
	w.note("%s dies", p.name)
	p.dead = true
	for _, slot := range slices.Sorted(maps.Keys(p.holds)) {
		w.drop(p.holds[slot])
		if slot == 0 {
			w.zeroDied = true
		}
	}
	w.start()
}

// drop ends a holder as its worker dies or gives up.
func (w *world) drop(h *holder) {
	delete(h.process.holds, h.slot)
	if s := w.session(h.slot); s.live == h {
		s.live, s.sent = nil, 0
	}
	w.adopt(h)
}

// adopt puts the commands back that a holder had under way.
func (w *world) adopt(h *holder) {
	w.zeroDied = w.zeroDied || len(h.commands) > 0
	w.commands = append(slices.Clone(h.commands), w.commands...)
	h.commands = nil
}

// flush has Redis lose the tables, while the holder of the first slot is there.
func (w *world) flush() {
	for _, p := range w.workers {
		if p.frozen && !p.dead {
			return
		}
	}
	for slot := range w.leased {
		l := w.redis.lease[slot]
		if l == nil || l.holder == nil || l.holder.dead || w.now > l.until || !l.holder.view.Loaded() {
			return
		}
	}
	for _, p := range w.workers {
		if !p.dead {
			p.read(w)
		}
	}
	w.note("FLUSHALL")
	w.flushed = w.now
	for _, t := range w.redis.tables {
		t.life, t.entries = "", map[string]*row{}
	}
}

func (w *world) calm() {
	for _, p := range w.workers {
		p.frozen, p.reading, p.lag = false, w.now, quick
	}
	w.stirred = w.now + leaseTicks // until then slots may be free
}

// tick lets one step of time pass.
func (w *world) tick() {
	w.now++
	w.leases()
	for _, p := range w.workers {
		if p.frozen && w.now == p.wakes {
			p.frozen = false
			w.note("%s goes on", p.name)
		}
		if p.dead || p.frozen {
			continue
		}
		if w.now >= p.reading {
			p.reading = w.now + 1 + w.IntN(p.lag)
			p.read(w)
		}
		for slot := range 6 {
			if h := p.holds[slot]; h != nil {
				h.step()
			}
		}
	}
}

// leases passes slots on whose leases are over, and renews the others.
func (w *world) leases() {
	for _, p := range w.workers {
		if p.dead || p.frozen {
			continue
		}
		for slot := range 6 {
			h := p.holds[slot]
			switch {
			case h == nil:
			case w.redis.lease[slot].epoch != h.epoch || slot >= w.leased:
				w.drop(h)
			case h.alone && w.layout > 1 && len(h.commands) == 0: // it begins anew, as one of several
				w.drop(h)
				w.redis.lease[slot].until = 0
			case w.now%25 == 0:
				w.redis.lease[slot].until = w.now + leaseTicks
			}
		}
	}
	for slot := range w.leased {
		l := w.redis.lease[slot]
		if l == nil {
			l = &lease{}
			w.redis.lease[slot] = l
		}
		held := l.holder != nil && l.holder.holds[slot] != nil && l.holder.holds[slot].epoch == l.epoch
		if held && w.now <= l.until || !held && l.holder != nil && w.now <= l.until {
			continue
		}
		if w.faults == lapsedIsMark && l.holder != nil {
			w.mark(slot)
		}
		p := w.workers[w.IntN(len(w.workers))]
		if p.dead || p.frozen || p.holds[slot] != nil {
			continue
		}
		if l.holder != nil && l.holder.holds[slot] != nil {
			w.adopt(l.holder.holds[slot])
		}
		l.epoch++
		l.holder, l.until = p, w.now+leaseTicks
		w.note("%s takes slot %d", p.name, slot)
		w.hold(p, slot)
	}
}

// mark says for a slot that it has left all, as only its holder may.
func (w *world) mark(slot int) {
	epochs := w.redis.table(messages.RegistryTable).entries["epochs"]
	if t := w.redis.table(slot); t.life != "" && epochs != nil {
		newest := epochs.change.Epochs[len(epochs.change.Epochs)-1].Number
		t.number++
		t.entries["status"] = &row{number: t.number, change: messages.Change{Status: &messages.SlotStatus{Epoch: newest, Left: newest}}}
	}
}

func (w *world) fail(format string, args ...any) {
	w.faulty = append(w.faulty, fmt.Sprintf(format, args...))
}

// account checks what came of all.
func (w *world) account() {
	for at, due := range w.due {
		for _, n := range slices.Sorted(maps.Keys(due)) {
			times := 0
			for _, k := range w.got[at] {
				if k.n == n {
					times++
				}
			}
			if times == 0 {
				w.fail("lost: message %d of %s for %s", n, at.topic, at.target)
			}
			if times > 1 && at.topic == overlapped && n > w.rest+1 { // by the first one is found out what is old
				w.fail("message %d of %s for %s came %d times, and nothing had changed", n, at.topic, at.target, times)
			}
		}
	}
	for at, got := range w.got {
		if slices.Contains(exact, at.topic) {
			w.inOrder(at, got)
		}
	}
	for _, c := range w.issued {
		if n := w.answers[c.id]; n == 0 || n > 1 && !w.zeroDied {
			w.fail("command %d was answered %d times", c.id, n)
		}
	}
	w.agree()
}

// inOrder wants each message first in the order in which they were published, and none of
// a former owner after one of the next.
func (w *world) inOrder(at delivery, got []taken) {
	highest, place := 0, 0
	for i, k := range got {
		if k.n <= w.cut[at] {
			continue
		}
		first := !slices.ContainsFunc(got[:i], func(o taken) bool { return o.n == k.n })
		if first && k.n < highest {
			w.fail("message %d of %s for %s came after %d: %v", k.n, at.topic, at.target, highest, got)
			return
		}
		highest = max(highest, k.n)
		next := place
		for next < len(w.layouts) && topic.Slot(at.topic, w.layouts[next].Sessions) != k.slot {
			next++
		}
		if next == len(w.layouts) {
			w.fail("message %d of %s for %s came by slot %d after the next owner", k.n, at.topic, at.target, k.slot)
			return
		}
		place = next
	}
}

// placed wants each session to have what the registry gives to its slot, and nothing else.
func (w *world) placed() {
	want := map[int]map[string]bool{}
	for s, c := range w.last {
		if !c.gone {
			slot := topic.Slot(s.filter, w.layout)
			if want[slot] == nil {
				want[slot] = map[string]bool{}
			}
			want[slot][s.filter] = true
		}
	}
	for slot := range 6 {
		s := w.session(slot)
		for f := range s.filters {
			if !want[slot][f] {
				w.fail("session %d still has %s", slot, f)
			}
		}
		for f := range want[slot] {
			if !s.filters[f] {
				w.fail("session %d has not %s", slot, f)
			}
		}
	}
}

// agree wants all to be at rest.
func (w *world) agree() {
	w.placed()
	for _, slot := range slices.Sorted(maps.Keys(w.sessions)) {
		message := func(p packet) bool { return p.epoch == 0 }
		if slices.ContainsFunc(w.sessions[slot].queue, message) {
			w.fail("session %d still has %v", slot, w.sessions[slot].queue)
		}
	}
	for _, p := range w.workers {
		if !p.dead && p.view.Loaded() && (len(p.view.Epochs()) != 1 || p.view.Epoch().Sessions != w.layout) {
			w.fail("%s knows the layouts %v, not %d", p.name, p.view.Epochs(), w.layout)
		}
	}
	if w.leased != w.layout {
		w.fail("%d slots are leased, not %d", w.leased, w.layout)
	}
}

func (w *world) events() (text string) {
	for _, line := range w.trace {
		text += line + "\n"
	}
	return text
}
