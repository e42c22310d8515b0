package actors_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
	"chanmqttproxy/test/probe"
)

// fleet is a process that holds several session slots.
type fleet struct {
	*testing.T
	tables  *probe.Tables
	tree    *actors.Tree
	options actors.Options
	layout  messages.Layout
	epoch   uint64
	log     *probe.Log
	slots   map[int]*held
	layers  map[int]*probe.Layer
	brokers map[int]*probe.Broker
}

type held struct {
	*actors.Slot
	layer  *probe.Layer
	broker *probe.Broker
}

// several runs a test with so many slots.
func several(t *testing.T, sessions int, test func(*fleet)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := &fleet{
			T: t, tables: probe.NewTables(), log: &probe.Log{}, layout: messages.Layout{Sessions: sessions},
			slots: map[int]*held{}, layers: map[int]*probe.Layer{}, brokers: map[int]*probe.Broker{},
		}
		f.options = actors.Options{Registry: f.tables, Log: slog.New(f.log)}
		f.tree = actors.New(f.options)
		for slot := range sessions {
			f.hold(slot)
		}
		f.pass(time.Second)
		test(f)
		for _, slot := range slices.Sorted(maps.Keys(f.slots)) {
			f.give(slot)
		}
		f.pass(time.Minute)
	})
}

// hold starts a slot, as the next holder of its session.
func (f *fleet) hold(slot int) {
	f.epoch++
	if f.layers[slot] == nil {
		f.layers[slot], f.brokers[slot] = probe.NewLayer(), probe.NewBroker()
	}
	l := f.layers[slot]
	l.Share(f.tables.Writer(slot, f.epoch))
	o := f.options
	o.Layer, o.MQTT, o.Slot, o.Layout = l, f.brokers[slot], slot, f.layout
	f.slots[slot] = &held{Slot: f.tree.Start(o), layer: l, broker: f.brokers[slot]}
}

// give stops a slot.
func (f *fleet) give(slot int) {
	f.slots[slot].Shutdown()
	<-f.slots[slot].Done()
	delete(f.slots, slot)
}

func (f *fleet) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// resize tells the first slot of another number, with those slots held that there are to be.
func (f *fleet) resize(sessions int) {
	f.layout = messages.Layout{Sessions: sessions, Before: len(f.slots)}
	for slot := range sessions {
		if f.slots[slot] == nil {
			f.hold(slot)
		}
	}
	f.slots[0].SetLayout(f.layout)
}

// movesWhenBrokerIsBack starts three slots, of which one does not reach its broker. Its filter
// moves to the last slot, but only when the broker is back.
func (f *fleet) movesWhenBrokerIsBack(filter string, from, before int) {
	f.Helper()
	f.brokers[from].Refuse(func(messages.Version) error { return probe.Failure(messages.Network) })
	f.layout = messages.Layout{Sessions: 3, Before: before}
	for slot := range 3 {
		f.hold(slot)
	}
	f.pass(30 * time.Second)
	f.wantAt("while the broker is away", filter, from)
	f.brokers[from].Refuse(nil)
	f.pass(30 * time.Second)
	f.wantAt("in the end", filter, 2)
}

// at are the slots whose sessions have a filter.
func (f *fleet) at(filter string) (list []int) {
	for _, slot := range slices.Sorted(maps.Keys(f.brokers)) {
		if _, ok := f.brokers[slot].Filters()[filter]; ok {
			list = append(list, slot)
		}
	}
	return list
}

func (f *fleet) wantAt(what, filter string, slots ...int) {
	f.Helper()
	if got := f.at(filter); !slices.Equal(got, slots) {
		f.Errorf("%s: %s is in the sessions %v, want %v", what, filter, got, slots)
	}
}

// got are the payloads that a target got by a slot.
func (f *fleet) got(slot int, target messages.Target) (list []string) {
	for _, e := range f.layers[slot].Sent(target) {
		list = append(list, string(e.Message.Payload))
	}
	return list
}

// wantGot checks what alerts got by a slot.
func (f *fleet) wantGot(slot int, payloads ...string) {
	f.Helper()
	if got := f.got(slot, alerts); !slices.Equal(got, payloads) {
		f.Errorf("slot %d delivered %v, want %v", slot, got, payloads)
	}
}

// placed is a filter that has its place in that slot of n.
func placed(slot, n int) string {
	for i := 0; ; i++ {
		if f := fmt.Sprint("filter/", i); topic.Slot(f, n) == slot {
			return f
		}
	}
}

// moves is a filter whose place is another once there are n slots, not m.
func moves(from, m, to, n int) string {
	for i := 0; ; i++ {
		if f := fmt.Sprint("filter/", i); topic.Slot(f, m) == from && topic.Slot(f, n) == to {
			return f
		}
	}
}

func (f *fleet) answered(n int) (kinds []string) {
	for _, e := range f.layers[0].Sent(asker) {
		kind, _ := e.Body.Get("type")
		kinds = append(kinds, fmt.Sprint(kind))
	}
	if len(kinds) != n {
		f.Errorf("answers %v, want %d", kinds, n)
	}
	return kinds
}

// A command goes to the registry, the slot of its filter subscribes, and the first one
// answers.
func TestSlotsFollowTheRegistry(t *testing.T) {
	t.Parallel()
	several(t, 3, func(f *fleet) {
		for slot := range 3 {
			filter := placed(slot, 3)
			r := f.layers[0].Put(asking("", filter, alerts))
			f.pass(time.Second)
			f.wantAt("subscribed", filter, slot)
			if !f.layers[0].Acked(r) {
				f.Error("the command is still there")
			}
			f.brokers[slot].Send(message(filter, "hot"))
			f.pass(time.Second)
			if got := f.got(slot, alerts); !slices.Equal(got, []string{"hot"}) {
				f.Errorf("slot %d delivered %v", slot, got)
			}
		}
		f.answered(3)
		for slot := range 3 {
			f.layers[0].Put(messages.UnsubscribeCommand{Filter: placed(slot, 3), Targets: []messages.Target{alerts}, ReplyTo: answerTo("")})
			f.pass(time.Second)
			f.wantAt("unsubscribed", placed(slot, 3))
		}
		f.answered(6)
	})
}

// A subscribe is taken back before the process has seen it in the registry.
func TestUnsubscribeBeforeTheSubscribeIsSeen(t *testing.T) {
	t.Parallel()
	several(t, 2, func(f *fleet) {
		filter := placed(1, 2)
		f.tables.Lag(time.Second)
		f.layers[0].Put(asking("", filter, alerts))
		f.pass(100 * time.Millisecond)
		f.layers[0].Put(messages.UnsubscribeCommand{Filter: filter, Targets: []messages.Target{alerts}, ReplyTo: answerTo("")})
		f.pass(10 * time.Second)
		f.wantAt("taken back", filter)
		f.answered(2)
	})
}

// Nobody listens at a target, but it has just asked again, of which the registry did not know
// when it had the target dropped.
func TestIdleTargetAsksAgain(t *testing.T) {
	t.Parallel()
	several(t, 2, func(f *fleet) {
		filter := placed(1, 2)
		drop := func() {
			f.tree.Send(routerPath, messages.Drop{Target: alerts, Filters: []string{filter}, Asked: time.Now()})
		}
		f.tables.Lag(time.Second)
		f.layers[0].Put(subscribe(filter, alerts))
		f.pass(100 * time.Millisecond)
		drop()
		f.pass(10 * time.Second)
		f.wantAt("asked for again", filter, 1)
		drop()
		f.pass(10 * time.Second)
		f.wantAt("dropped", filter)
	})
}

// What the broker refuses in another slot the first one says; asked again, it is tried
// again.
func TestRefusalsComeBack(t *testing.T) {
	t.Parallel()
	several(t, 2, func(f *fleet) {
		filter := placed(1, 2)
		f.brokers[1].Deny(filter)
		f.layers[0].Put(asking("", filter, alerts))
		f.pass(2 * time.Second)
		f.brokers[1].Allow(filter)
		f.layers[0].Put(asking("", filter, alerts))
		f.pass(2 * time.Second)
		if got := f.answered(2); !slices.Equal(got, []string{"mqtt.error", "mqtt.subscribed"}) {
			f.Errorf("answered %v", got)
		}
	})
}

// A filter moves: the new owner holds back until the former one has handed over.
func TestFiltersMove(t *testing.T) {
	t.Parallel()
	filter := moves(0, 2, 2, 3)
	several(t, 2, func(f *fleet) {
		f.layers[0].Put(asking("", filter, alerts))
		f.pass(time.Second)
		f.layers[0].Stick(alerts, true) // what the former owner has is not handed over
		f.brokers[0].Send(message(filter, "1"))
		f.resize(3)
		f.pass(time.Second)
		f.brokers[2].Send(message(filter, "2"))
		f.pass(time.Minute)
		f.wantAt("while it moves", filter, 2)
		if got := f.got(2, alerts); len(got) > 0 {
			f.Errorf("the owner delivered %v before", got)
		}
		f.layers[0].Stick(alerts, false)
		f.pass(5 * time.Second)
		f.wantGot(0, "1")
		f.wantGot(2, "2")
		if l := f.slots[0].Layout(); l != (messages.Layout{Sessions: 3}) {
			f.Errorf("the layout is %v", l)
		}

		f.resize(1) // and back
		f.pass(10 * time.Second)
		f.wantAt("back", filter, 0)
		for slot := 1; slot < 3; slot++ {
			if !f.slots[slot].Idle() {
				f.Errorf("slot %d is not idle", slot)
			}
		}
	})
}

// What waits at the broker when a filter moves is delivered by its former owner, however late
// it comes, and before anything by the new one.
func TestFilterIsLeftBehindWhatTheBrokerHolds(t *testing.T) {
	t.Parallel()
	filter := moves(0, 2, 2, 3)
	several(t, 2, func(f *fleet) {
		f.layers[0].Put(asking("", filter, alerts))
		f.pass(time.Second)
		f.brokers[0].Queue(true)
		f.resize(3)
		f.pass(time.Second)
		f.wantAt("while it moves", filter, 2)
		f.brokers[2].Send(message(filter, "3"))
		for _, late := range []string{"1", "2"} {
			f.pass(4 * time.Second)
			f.brokers[0].Send(message(filter, late))
		}
		f.pass(time.Second)
		if got := f.got(2, alerts); len(got) > 0 {
			f.Errorf("the owner delivered %v before", got)
		}
		f.brokers[0].Queue(false)
		f.pass(5 * time.Second)
		f.wantGot(0, "1", "2")
		f.wantGot(2, "3")
	})
}

// A broker that takes no markers does not keep a filter from moving.
func TestFilterMovesWithoutMarkers(t *testing.T) {
	t.Parallel()
	filter := moves(0, 2, 2, 3)
	for name, refuse := range map[string]func(*probe.Broker){
		"refused":         func(b *probe.Broker) { b.Deny(messages.MarkerTopics + "probe%2F1") },
		"not published":   func(b *probe.Broker) { b.RefusePublish(messages.MarkerTopics+"probe%2F1", 0x87) },
		"without a word":  func(b *probe.Broker) { b.Queue(true) },
		"connection lost": func(b *probe.Broker) { b.Queue(true) },
	} {
		t.Run(name, func(t *testing.T) {
			several(t, 2, func(f *fleet) {
				f.layers[0].Put(asking("", filter, alerts))
				f.pass(time.Second)
				refuse(f.brokers[0])
				f.resize(3)
				for range 3 {
					f.pass(time.Second)
					if name == "connection lost" {
						f.brokers[0].Drop(messages.Network)
					}
				}
				f.pass(5 * time.Second)
				if l := f.slots[0].Layout(); l != (messages.Layout{Sessions: 3}) {
					f.Errorf("the layout is %v", l)
				}
				if f.log.Count("the MQTT broker does not let the worker publish to itself") != 1 {
					f.Error("the log does not say so, once")
				}
			})
		})
	}
}

// A slot is as many changes behind as there are since the first for which its broker has no
// answer, whichever slot they concern.
func TestLagIsCountedInChanges(t *testing.T) {
	t.Parallel()
	several(t, 2, func(f *fleet) {
		progress := func(slot int) messages.SlotProgress {
			p, _ := f.tree.Progress(slot)
			return p
		}
		before := progress(1)
		f.brokers[1].Refuse(func(messages.Version) error { return probe.Failure(messages.Network) })
		f.brokers[1].Drop(messages.Network)
		f.layers[0].Put(asking("", placed(1, 2), alerts))
		f.pass(time.Second)
		for i := range 200 {
			if filter := fmt.Sprint("other/", i); topic.Slot(filter, 2) == 0 {
				f.layers[0].Put(asking("", filter, alerts))
			}
		}
		f.pass(time.Second)
		first, second := progress(0), progress(1)
		if first.Lag != 0 || second.Change != before.Change || second.Lag != first.Change-second.Change || second.Lag < 50 {
			f.Errorf("without a broker for the second slot: before %+v, first %+v, second %+v", before, first, second)
		}
		f.brokers[1].Refuse(nil)
		f.pass(time.Minute)
		if second := progress(1); second.Lag != 0 || second.Change != first.Change {
			f.Errorf("in the end: first %+v, second %+v", first, second)
		}
	})
}

// A slot that was the only one has its filters in its session, and has said so of none: the
// layout waits until it has, or what waits for it in the session would be for nobody.
func TestOnlySlotSaysWhatItHas(t *testing.T) {
	t.Parallel()
	filter := moves(0, 1, 2, 3)
	several(t, 1, func(f *fleet) {
		f.layers[0].Put(asking("", filter, alerts))
		f.pass(time.Second)
		f.give(0)
		f.movesWhenBrokerIsBack(filter, 0, 1)
	})
}

// The slots of an older version have said nothing either: a layout by which filters move waits
// until all of them have.
func TestOlderSlotsSayWhatTheyHave(t *testing.T) {
	t.Parallel()
	filter := moves(1, 2, 2, 3)
	several(t, 2, func(f *fleet) {
		f.layers[0].Put(asking("", filter, alerts))
		f.pass(time.Second)
		f.give(0)
		f.give(1)
		f.tables.Lose()
		f.tree = actors.New(f.options)
		f.epoch++
		older := f.tables.Writer(0, f.epoch)
		if _, err := older.Restore(f.Context()); err != nil {
			f.Fatal(err)
		}
		if _, err := older.Write(f.Context(), []messages.Change{{Put: &messages.Stored{Filter: filter, Target: alerts}}}); err != nil {
			f.Fatal(err)
		}
		f.movesWhenBrokerIsBack(filter, 1, 2)
	})
}

// A former owner that is not there is waited for, until its next holder has left.
func TestDeadOwnerIsWaitedFor(t *testing.T) {
	t.Parallel()
	filter := moves(1, 2, 2, 3)
	several(t, 2, func(f *fleet) {
		f.layers[0].Put(asking("", filter, alerts))
		f.pass(time.Second)
		f.give(1)
		f.layout = messages.Layout{Sessions: 3, Before: 2}
		f.hold(2)
		f.slots[0].SetLayout(f.layout)
		f.pass(time.Minute)
		f.wantAt("while nobody holds the former owner's slot", filter, 1, 2)
		f.hold(1)
		f.pass(10 * time.Second)
		f.wantAt("in the end", filter, 2)
	})
}

// A target that several slots serve gets a message from the lowest of them, unless it may be
// older than the filter there: it has waited for the other one's session at the broker.
func TestOverlapsAcrossSlots(t *testing.T) {
	t.Parallel()
	several(t, 3, func(f *fleet) {
		low, high := f.overlap()
		send := func(slot int, payload string) {
			f.brokers[slot].Send(message("a/b", payload))
			f.pass(time.Second)
		}
		f.brokers[high].Queue(true)
		send(high, "waited")
		send(high, "waited, too")
		f.brokers[high].Queue(false)
		f.pass(time.Second)
		send(low, "x")
		send(high, "x")
		f.brokers[high].Drop(messages.Network)
		f.pass(10 * time.Second)
		send(high, "repeated")
		send(low, "y")
		send(high, "y")
		if got := f.got(low, alerts); !slices.Equal(got, []string{"x", "y"}) {
			f.Errorf("the lower slot delivered %q", got)
		}
		if got := f.got(high, alerts); !slices.Equal(got, []string{"waited", "waited, too", "repeated"}) {
			f.Errorf("the higher slot delivered %q", got)
		}
	})
}

// overlap subscribes to two filters that match a/b, in two of three slots.
func (f *fleet) overlap() (low, high int) {
	const exact = "a/b"
	high = topic.Slot(exact, 3)
	for _, wild := range []string{"a/+", "+/b", "+/+", "a/#", "#"} {
		if low = topic.Slot(wild, 3); low < high {
			f.layers[0].Put(asking("", wild, alerts))
			f.layers[0].Put(asking("", exact, alerts))
			f.pass(5 * time.Second)
			return low, high
		}
	}
	f.Fatal("no filter has its place before that one")
	return low, high
}

// Redis loses all: it has again what the first slot knows.
func TestTablesAreWrittenAgain(t *testing.T) {
	t.Parallel()
	several(t, 3, func(f *fleet) {
		for slot := range 3 {
			f.layers[0].Put(asking("", placed(slot, 3), alerts))
		}
		f.pass(time.Second)
		f.tables.Lose()
		f.pass(30 * time.Second)
		for slot := range 3 {
			f.wantAt("after the loss", placed(slot, 3), slot)
		}
		f.layers[0].Put(asking("", moves(0, 3, 0, 3)+"/more", alerts))
		f.pass(time.Second)
		f.answered(4)
		f.give(0)
		f.hold(0)
		f.pass(5 * time.Second)
		for slot := range 3 {
			f.wantAt("after another holder", placed(slot, 3), slot)
		}
	})
}

// Redis loses all, and the first slot passes to one who dies before he has written anything, and
// then to another: nobody takes the registry for an empty one meanwhile.
func TestFirstSlotChangesHandsAfterALoss(t *testing.T) {
	t.Parallel()
	several(t, 2, func(f *fleet) {
		filter := placed(1, 2)
		f.layers[0].Put(asking("", filter, alerts))
		f.pass(time.Second)
		f.give(0)
		f.tables.Lose()
		f.epoch++
		if _, err := f.tables.Writer(0, f.epoch).Restore(f.Context()); err != nil {
			f.Fatal(err)
		}
		f.pass(30 * time.Second)
		f.wantAt("while nobody holds the first slot", filter, 1)
		f.hold(0)
		f.pass(30 * time.Second)
		f.wantAt("with another holder", filter, 1)
		f.layers[0].Put(messages.UnsubscribeCommand{Filter: filter, Targets: []messages.Target{alerts}, ReplyTo: answerTo("")})
		f.pass(time.Second)
		f.wantAt("unsubscribed", filter)
		f.answered(2)
	})
}

// A slot that holds back what comes of a filter is stopped: it does not wait until that may
// go, and its next holder gets it again.
func TestSlotThatHoldsBackStops(t *testing.T) {
	t.Parallel()
	filter := moves(0, 2, 2, 3)
	several(t, 2, func(f *fleet) {
		f.layers[0].Put(asking("", filter, alerts))
		f.pass(time.Second)
		f.layers[0].Stick(alerts, true) // what the former owner has is not handed over
		f.brokers[0].Send(message(filter, "1"))
		f.resize(3)
		f.pass(time.Second)
		seq := f.brokers[2].Send(message(filter, "2"))
		f.pass(time.Second)
		began := time.Now()
		f.give(2)
		if took := time.Since(began); took > time.Second {
			f.Errorf("the slot took %v to stop", took)
		}
		if slices.Contains(f.brokers[2].Acked(), seq) {
			f.Error("what was held back is acknowledged")
		}
		f.hold(2)
		f.pass(time.Second)
		f.brokers[2].Send(message(filter, "2")) // as a broker does that has no acknowledgement
		f.layers[0].Stick(alerts, false)
		f.pass(5 * time.Second)
		f.wantGot(0, "1")
		f.wantGot(2, "2")
	})
}

// A filter comes to a slot between the moment in which it stops and the end of its actors.
func TestFilterThatComesToAStoppingSlot(t *testing.T) {
	t.Parallel()
	first := placed(1, 2)
	second := first
	for topic.Slot(second, 2) != 1 || second == first {
		second += "/more"
	}
	several(t, 2, func(f *fleet) {
		f.options.Log = slog.New(busy{f.log})
		f.give(1)
		f.hold(1)
		f.layers[0].Put(asking("", first, crowd()...))
		f.pass(time.Second)
		f.brokers[1].Send(message(first, "0"))
		f.pass(time.Second)
		f.occupy("bridge:1/router/subscription:")
		f.slots[1].Abandon()
		f.pass(time.Second)
		f.layers[0].Put(asking("", second, alerts))
		f.pass(time.Minute)
		select {
		case <-f.slots[1].Done():
		default:
			f.Fatal("the slot does not end")
		}
		f.hold(1)
		f.pass(5 * time.Second)
		f.wantAt("with its next holder", second, 1)
		total, rows := f.tree.Subscriptions(messages.SubscriptionList{Limit: 10})
		var filters []string
		for _, r := range rows {
			filters = append(filters, r.Filter)
		}
		if slices.Sort(filters); total != 2 || !slices.Equal(filters, []string{first, second}) {
			f.Errorf("%d subscriptions are shown: %q", total, filters)
		}
	})
}

// A former owner leaves a filter while its router holds back all that comes, since a target
// leaves another: what came of the filter meanwhile goes on before the filter is left.
func TestFilterIsLeftBehindWhatTheRouterHolds(t *testing.T) {
	t.Parallel()
	filter, other := moves(0, 2, 2, 3), moves(0, 2, 0, 3)
	several(t, 2, func(f *fleet) {
		f.options.Log = slog.New(busy{f.log})
		f.give(0)
		f.hold(0)
		f.layers[0].Put(asking("", filter, alerts))
		f.layers[0].Put(asking("", other, crowd(alerts)...))
		f.pass(time.Second)
		f.brokers[0].Send(message(other, "0"))
		f.pass(time.Second)
		f.occupy("bridge/router/subscription:" + url.PathEscape(other))
		f.layers[0].Put(messages.UnsubscribeCommand{Filter: other, Targets: []messages.Target{alerts}})
		f.resize(3)
		f.pass(150 * time.Millisecond)
		f.wantAt("while the former owner leaves", filter, 2)
		f.brokers[0].Send(message(filter, "1")) // it was on its way
		f.pass(time.Minute)
		if got := f.got(0, alerts); !slices.Equal(got, []string{"0", "1"}) {
			f.Errorf("the former owner delivered %v", got)
		}
		if l := f.slots[0].Layout(); l != (messages.Layout{Sessions: 3}) {
			f.Errorf("the layout is %v", l)
		}
	})
}

// occupy keeps the actor busy whose path begins so: see busy.
func (f *fleet) occupy(path string) {
	found := false
	for _, a := range f.tree.Actors() {
		if strings.HasPrefix(a, path) {
			f.tree.Send(a, broken(1000))
			found = true
		}
	}
	if !found {
		f.Fatalf("there is no %s", path)
	}
	f.pass(10 * time.Millisecond)
}

// busy keeps an actor busy that logs a bug.
type busy struct{ slog.Handler }

func (b busy) Handle(ctx context.Context, r slog.Record) error {
	if r.Level == slog.LevelError {
		time.Sleep(10 * time.Second)
	}
	return b.Handler.Handle(ctx, r)
}

// What waits for a full queue is handed over before the next owner delivers.
func TestOverflowIsHandedOverFirst(t *testing.T) {
	t.Parallel()
	filter := moves(0, 2, 2, 3)
	several(t, 2, func(f *fleet) {
		f.layers[0].Queues(alerts, "full")
		f.layers[0].Put(asking("", filter, alerts))
		f.pass(time.Second)
		f.layers[0].Room("full", 0)
		f.brokers[0].Send(message(filter, "1"))
		f.pass(time.Second)
		f.resize(3)
		f.pass(time.Second)
		f.brokers[2].Send(message(filter, "2"))
		f.pass(10 * time.Second)
		if got := f.got(2, alerts); len(got) > 0 {
			f.Errorf("the owner delivered %v while an older one waited", got)
		}
		f.layers[0].Room("full", 100)
		f.pass(5 * time.Second)
		if got := f.got(2, alerts); !slices.Equal(got, []string{"2"}) {
			f.Errorf("the owner delivered %v", got)
		}
	})
}

// A former owner leaves a filter and dies before it writes its mark. Its next holder subscribes once
// more, since the broker may have forgotten that the session has the filter. What comes then
// belongs to the owner, which also has what was published in between.
func TestWhatIsSubscribedOnceMoreIsTheOwners(t *testing.T) {
	t.Parallel()
	filter := moves(1, 2, 2, 3)
	several(t, 2, func(f *fleet) {
		f.options.Version = messages.MQTT311
		f.brokers[1].Amnesic()
		f.layers[0].Put(asking("", filter, alerts))
		f.pass(time.Second)
		f.brokers[1].Queue(true) // the marker waits, so slot 1 does not write its mark
		f.resize(3)
		f.pass(time.Second)
		f.wantAt("when it was left", filter, 2)
		f.give(1)
		f.brokers[2].Send(message(filter, "1"))
		f.hold(1)
		f.pass(100 * time.Millisecond)
		f.brokers[1].Send(message(filter, "0")) // it has waited there
		f.brokers[1].Queue(false)
		synctest.Wait()
		for slot := 1; slot <= 2; slot++ {
			f.brokers[slot].Send(message(filter, "2"))
		}
		f.pass(5 * time.Second)
		f.wantAt("in the end", filter, 2)
		f.wantGot(1, "0")
		f.wantGot(2, "1", "2")
	})
}
