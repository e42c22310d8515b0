package actors

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/messages"
)

// A group writes what is delivered to one target (a group of Channels, or one
// channel) to the layer, in order. One write is under way at a time, and what
// comes meanwhile goes with the next: batches form when the layer is the slower
// one and cost nothing when it is not.
//
// A queue that has no room (that of a process which does not keep up) gets what
// it misses from its own parking place, with writes of its own; the writes to
// all others skip it meanwhile. What is parked counts as delivered.
//
// While Redis is away a write is tried again until it comes through. The
// backlog is bounded: messages of QoS 0 above the bound are dropped, oldest
// first.

// batchLimit is the most events of one write. More makes the layer's script
// hold up other clients of Redis for longer, and gains little.
const batchLimit = 64

// The pace of writing to such a queue: how soon to look again, how soon when
// nobody has read it for a while, and how long that while is.
const (
	fullRetry  = 20 * time.Millisecond
	stuckRetry = 250 * time.Millisecond
	stuckAfter = time.Second
)

// sent is one Layer.Send and its outcome.
type sent struct {
	result
	deps    *env
	batch   *messages.Batch
	slow    time.Duration // it is held back for so long
	size    int64         // of what the layer makes of the batch
	outcome messages.Outcome
}

// do writes. A batch that makes the layer panic would do so forever: it counts as written.
func (m *sent) do(ctx context.Context) error {
	idle(ctx, m.slow)
	defer m.deps.encoded.take(ctx, m.size)()
	err := m.deps.protect("writing to "+m.batch.Target.String(), func() (err error) {
		m.outcome, err = m.deps.Layer.Send(ctx, m.batch)
		return err
	})
	if errors.As(err, new(panicked)) {
		return nil
	}
	return err
}

// begin comes behind what had come when there was nothing to write.
type begin struct{}

// sendAgain comes when the delay after a failed write, or one to a full queue,
// is over. The queue is empty for the write to everybody.
type sendAgain struct {
	stamp
	queue string
}

// groupRefs are the actors that groups send to. All groups share one value: there may be many groups.
type groupRefs struct {
	broker Ref[messages.ToBroker]
	router Ref[messages.ToRouter]
	reader Ref[messages.ToReader]
	groups Ref[messages.ToGroups]
}

type group struct {
	*env
	incarnation
	*groupRefs

	backlog   backlog
	batch     *messages.Batch // the write to everybody that is under way; nil: none
	parts     []messages.Settlement
	answers   []messages.Receipt // of the answers in it
	beginning bool               // begin is in the mailbox
	attempts  int
	complaint complaint

	parked map[string]*parking // by queue
	writes map[string]*messages.Batch

	newcomers newcomers
	waits     waits
	handing   []handing
	parkings  uint64 // how many events were parked

	tally
	slow time.Duration // each write is held back for so long

	handled   uint64
	retired   bool
	quiescing bool
}

// newTargets makes the actors of the targets, which are groups or channels.
func newTargets(deps *env, to *refs) *family {
	shared := &groupRefs{broker: to.broker, router: to.router, reader: to.reader, groups: to.groups}
	return newFamily(deps, actor.Unbounded(), func(seen *watched) actor.Actor {
		target := messages.Target{Name: seen.name}
		switch seen.kind {
		case channelKind:
			target.Kind = messages.Channel
		case streamKind:
			target.Kind = messages.Stream
		}
		return &group{
			env: deps, groupRefs: shared, tally: tally{env: deps, target: target, seen: seen}, backlog: backlog{stats: deps.Stats},
			parked: map[string]*parking{}, writes: map[string]*messages.Batch{},
			newcomers: newNewcomers(deps),
		}
	})
}

// Receive is the group's table.
func (g *group) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case messages.Deliver:
		g.deliver(m)
	case messages.Welcome:
		g.handled++
		g.retired = false
		g.newcomers.welcome(m)
	case messages.Welcomed:
		g.newcomers.welcomed(m.Filter, m.Serial)
	case begin:
		g.beginning = false
		g.next()
	case *sent:
		g.sent(m)
	case *sendAgain:
		g.sendAgain(m)
	case slowed:
		g.slow = m.by
	case messages.HandOver:
		g.handing = append(g.handing, handing{id: m.ID, last: g.backlog.last()})
		g.handOver()
	case messages.Retire:
		g.retired = true
		g.tellIdle()
	case messages.Quiesce:
		g.quiescing = true
		g.tellIdle()
	case *actor.Restarting:
		g.giveUp()
	case *actor.Stopping:
		g.abandon()
	default:
		g.strange(ctx)
	}
}

// release gives back what a message held whose handling panicked.
func (g *group) release(message any) {
	switch m := message.(type) {
	case messages.Deliver:
		g.settle([]messages.Settlement{{Token: m.Token, Weight: m.Weight}})
		g.tellAnswered(m.Receipt)
	case *sent:
		if m.batch == g.batch {
			g.batchDone()
		}
	}
}

func (g *group) deliver(m messages.Deliver) {
	g.handled++
	if m.Weight > 0 {
		g.retired = false // a subscription serves the target again
	}
	if m.Token.Replay {
		g.replay(m)
	} else {
		g.newcomers.live(m.Event.Message.Topic, m.Token.Seq)
		g.add(m, nil)
	}
	g.soon()
	for g.backlog.len() > g.GroupBacklog || g.crowded(g.backlog.held) || g.target.Kind == messages.Stream && g.backlog.held > g.budget().FairShare() {
		shed, ok := g.backlog.shed()
		if !ok {
			return
		}
		g.dropped++
		g.step(shed.event.Message, g.seen.path, "dropped", "too many wait to be written (GROUP_BACKLOG, BACKLOG_MEMORY); QoS 0 goes first")
		g.settle([]messages.Settlement{shed.settlement})
	}
}

// replay takes a retained value in for those of the newcomers who are to get it.
func (g *group) replay(m messages.Deliver) {
	shares := g.newcomers.replay(m.Event.Message, m.Token.Seq)
	for i, share := range shares {
		part := m
		part.Event, part.Weight = eventFor(share.options, m.Event.Message), messages.Split(m.Weight, len(shares), i)
		g.add(part, share.to)
	}
	if len(shares) == 0 {
		g.step(m.Event.Message, g.seen.path, "dropped", "a retained value that no newcomer waits for")
		giveBack(g.broker, m.Token, m.Weight)
	}
}

// add puts a message at the end of the backlog.
func (g *group) add(m messages.Deliver, to *audience) {
	if m.Event.Message.Trace != 0 {
		g.step(m.Event.Message, g.seen.path, "queued", fmt.Sprintf("%d before it wait to be written", g.backlog.len()))
	}
	g.backlog.add(m, to)
}

// soon writes what waits when all has been handled that has come, or is about to: those
// who are sending go first, so that more of a burst makes the first batch.
func (g *group) soon() {
	if g.batch == nil && !g.beginning {
		g.beginning = true
		runtime.Gosched()
		g.system.Root.Send(g.self, begin{})
	}
}

// next makes a batch of what waits for the same audience and writes it, unless
// one is under way.
func (g *group) next() {
	if g.batch != nil || g.backlog.len() == 0 {
		return
	}
	head := g.backlog.head(batchLimit)
	events := make([]messages.Event, len(head))
	g.parts = make([]messages.Settlement, len(head))
	for i, w := range head {
		events[i], g.parts[i] = w.event, w.settlement
		if w.receipt != "" {
			g.answers = append(g.answers, w.receipt)
		}
	}
	g.batch = &messages.Batch{Target: g.target, Bundles: bundles(events), Skip: g.parkedQueues()}
	if to := head[0].to; to != nil {
		g.batch.Only = to.channels
	}
	g.backlog.forget(len(head))
	g.write(g.batch)
}

func (g *group) parkedQueues() []string {
	var names []string
	for name := range g.parked {
		names = append(names, name)
	}
	return names
}

// write writes a batch, and the outcome comes as sent.
func (g *group) write(b *messages.Batch) {
	g.run("writing", &sent{deps: g.env, batch: b, slow: g.slow, size: packedSize(b)})
}

func (g *group) sent(m *sent) {
	if m.err != nil {
		g.writeAgain(m)
		return
	}
	g.attempts = 0
	g.full(m.outcome.Dropped)
	g.Stats.Stored.Add(int64(m.outcome.Stored))
	g.Stats.Undecodable.Add(int64(m.outcome.Undecodable))
	g.Stats.BigNumbers.Add(int64(m.outcome.BigNumbers))
	g.measure(m.batch, m.outcome)
	g.noted(m)
	if m.outcome.Full {
		g.wait()
		return
	}
	g.roomy()
	if m.batch.Queue == nil {
		g.park(m)
		g.batchDone()
		g.next()
	} else {
		g.unparked(m)
	}
	g.tellIdle()
}

// batchDone lets go of what the write to everybody was about.
func (g *group) batchDone() {
	g.settle(g.parts)
	g.tellAnswered(g.answers...)
	g.batch, g.parts, g.answers = nil, nil, nil
	g.handOver()
}

// handing is a HandOver, and the last delivery that waited then. When that is written, what
// is parked of it is to be written too: up to that number.
type handing struct {
	id, last uint64
	written  bool
	parked   uint64
}

// handOver answers those HandOvers before which nothing waits any more, nor is parked.
func (g *group) handOver() {
	rest := g.handing[:0]
	for _, h := range g.handing {
		if !h.written && g.batch == nil && (g.backlog.len() == 0 || g.backlog.list[0].settlement.Token.Seq > h.last) {
			h.written, h.parked = true, g.parkings
		}
		if !h.written || g.waitsParked(h.parked) {
			rest = append(rest, h)
		} else {
			g.router.Tell(messages.HandedOver{ID: h.id})
		}
	}
	g.handing = rest
}

// waitsParked says whether something is parked up to that number.
func (g *group) waitsParked(number uint64) bool {
	for _, place := range g.parked {
		if place.upTo(number) {
			return true
		}
	}
	return false
}

// writeAgain writes the same batch again after a while: what a write that failed
// half way has done is not done twice.
func (g *group) writeAgain(m *sent) {
	g.attempts++
	g.complaint.say(g.env, "writing to "+g.target.String(), m.err)
	for _, e := range eventsOf(m.batch.Bundles) {
		g.step(e.Message, g.seen.path, "waiting", "writing to Redis failed; it is tried again")
	}
	queue := ""
	if m.batch.Queue != nil {
		queue = m.batch.Queue.Name
	}
	g.retry(g.attempts, &sendAgain{queue: queue})
}

// park takes in what queues had no room for.
func (g *group) park(m *sent) {
	for _, r := range m.outcome.Refused {
		place, ok := g.parked[r.Queue.Name]
		if !ok {
			place = newParking(g.env, &g.parkings)
		}
		queue := r.Queue
		for _, e := range eventsOf(m.batch.Bundles[r.From:]) {
			g.dropped += place.add(e, &queue)
		}
		if !ok && !place.empty() {
			g.parked[queue.Name] = place
			g.after(fullRetry, &sendAgain{queue: queue.Name})
		}
	}
}

// unparked notes what a queue has taken of what was parked for it.
func (g *group) unparked(m *sent) {
	name, taken := m.batch.Queue.Name, m.batch.Bundles
	for _, r := range m.outcome.Refused {
		taken = taken[:r.From]
	}
	delete(g.writes, name)
	place := g.parked[name]
	place.wrote(len(eventsOf(taken)))
	switch {
	case len(m.outcome.Refused) == 0:
		g.fill(name)
	case place.stuck():
		g.after(stuckRetry, &sendAgain{queue: name})
	default:
		g.after(fullRetry, &sendAgain{queue: name})
	}
	g.handOver()
}

// fill writes the next of what is parked for a queue.
func (g *group) fill(name string) {
	place := g.parked[name]
	events, queue := place.head(min(batchLimit, 2*place.taken+8))
	if len(events) == 0 {
		place.clear()
		g.dropped += place.dropped
		delete(g.parked, name)
		return
	}
	b := &messages.Batch{Target: g.target, Bundles: bundles(events), Queue: queue}
	g.writes[name] = b
	g.write(b)
}

// moving says whether anything is parked that is likely to go soon.
func (g *group) moving() bool {
	for _, place := range g.parked {
		if !place.stuck() {
			return true
		}
	}
	return false
}

// wait writes the rest of the batch when the stream may have room. It is not settled
// meanwhile: the MQTT broker keeps it, and what comes behind it.
func (g *group) wait() {
	pause, begins, log := g.waits.full(time.Now())
	if begins {
		g.Stats.StreamsFull.Add(1)
	}
	if log {
		g.Log.Warn("a stream is full: its readers do not keep up, or have stopped; until they delete what they have done, the MQTT broker keeps what comes",
			"stream", g.target.Name)
	}
	g.after(pause, &sendAgain{})
}

// roomy notes that a stream has taken all of a batch.
func (g *group) roomy() {
	if g.waits.over() {
		g.Stats.StreamsFull.Add(-1)
	}
}

func (g *group) sendAgain(m *sendAgain) {
	switch {
	case m.queue == "":
		g.write(g.batch)
	case g.writes[m.queue] != nil:
		g.write(g.writes[m.queue])
	default:
		g.fill(m.queue)
		g.handOver()
		g.tellIdle()
	}
}

// tellIdle says that nothing waits, to whoever has asked. What is parked for a
// queue that nobody reads is not waited for.
func (g *group) tellIdle() {
	if g.batch != nil || g.backlog.len() > 0 {
		return
	}
	if g.retired && len(g.parked) == 0 {
		g.groups.Tell(messages.Drained{Target: g.target, Handled: g.handled})
	}
	if g.quiescing && !g.moving() {
		g.groups.Tell(messages.Quiet{From: g.target.String()})
	}
}

// giveUp drops everything, as the last thing an incarnation does that a bug
// has made useless.
func (g *group) giveUp() {
	g.batchDone()
	for _, w := range g.backlog.list {
		g.settle([]messages.Settlement{w.settlement})
		g.tellAnswered(w.receipt)
	}
	g.clear()
}

// abandon counts what was parked, and has been acknowledged, when the worker
// stops.
func (g *group) abandon() {
	for name, place := range g.parked {
		g.Stats.Abandoned.Add(int64(place.live))
		g.Log.Warn("stopping: messages were dropped that waited for room", "target", g.target.String(), "queue", name, "messages", place.live)
	}
	g.clear()
}

// clear empties the backlog and the parking places, and forgets the newcomers.
func (g *group) clear() {
	g.roomy()
	g.newcomers.clear()
	g.backlog.forget(g.backlog.len())
	for _, place := range g.parked {
		place.clear()
	}
}

func (g *group) settle(parts []messages.Settlement) {
	if len(parts) > 0 {
		g.broker.Tell(messages.Settled{Parts: parts})
	}
}

// tellAnswered says that answers were written.
func (g *group) tellAnswered(receipts ...messages.Receipt) {
	if len(receipts) > 0 && receipts[0] != "" {
		g.reader.Tell(messages.Answered{Receipts: receipts})
	}
}

func (g *group) facts() any {
	f := messages.GroupFacts{
		Target: g.target, Waiting: g.backlog.len(), Bytes: g.backlog.held,
		Writing: g.batch != nil, Attempts: g.attempts, Written: g.written, Dropped: g.dropped,
	}
	for name, place := range g.parked {
		f.Bytes += place.held
		f.Dropped += place.dropped
		f.Parked = append(f.Parked, messages.ParkedFacts{Queue: name, Messages: place.live, Stuck: place.stuck()})
	}
	return f
}
