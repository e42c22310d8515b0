package conform

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
)

// LayerPort is a layer as the actors see it, and its other side. A queue has room for more
// than a test writes, unless Room says otherwise.
type LayerPort struct {
	// Layer is that of a worker. Next has the worker die, and returns that of the next one.
	Layer actors.Layer
	Next  func() actors.Layer
	// Put puts a publish to a topic on the command channel.
	Put func(topic string)
	// Join makes channels members of a group.
	Join func(group string, channels ...string)
	// Room leaves room for so many further messages in the queue of a channel.
	Room func(channel string, n int)
	// Read takes the payloads that wait in the queue of a channel.
	Read func(channel string) []string
	// Away has Redis not be there, or come back.
	Away func(bool)
	// Leave leaves nobody in a group; Lose has Redis lose what is kept there.
	Leave func(group string)
	Lose  func()
}

// LayerPortSuite runs what each implementation of the port has to do, those of tests too, so
// that what is tested with one holds with the other.
func LayerPortSuite(t *testing.T, open func(t *testing.T) LayerPort) {
	for name, test := range map[string]func(*portBench){
		"commands":    portCommands,
		"cancel":      portCancel,
		"next":        portNext,
		"dead letter": portDeadLetter,
		"close":       portClose,
		"lost":        portLost,
		"away":        portAway,
		"send":        portSend,
		"full":        portFull,
		"skip":        portSkip,
		"repeat":      portRepeat,
		"only":        portOnly,
		"live":        portLive,
		"kept":        portKept,
		"kept lost":   portKeptLost,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(&portBench{T: t, LayerPort: open(t)})
		})
	}
}

// portBench is what one test works with.
type portBench struct {
	*testing.T
	LayerPort
}

// limited is a context long enough for a busy machine.
func (b *portBench) limited() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	b.Cleanup(cancel)
	return ctx
}

// reader opens a reader of the first host. A connection that fails before the end of the test
// is a fault.
func (b *portBench) reader(l actors.Layer) actors.CommandReader {
	b.Helper()
	if n := len(l.Hosts()); n != 1 {
		b.Fatalf("%d hosts", n)
	}
	r, err := l.OpenReader(b.limited(), 0, func(err error) { b.Errorf("lost: %v", err) })
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(r.Close)
	return r
}

// take receives so many commands, at most three at a time.
func (b *portBench) take(r actors.CommandReader, n int) (topics []string, receipts []messages.Receipt) {
	b.Helper()
	for len(topics) < n {
		list, err := r.Receive(b.limited(), 3)
		if err != nil || len(list) == 0 || len(list) > 3 {
			b.Fatalf("received %d: %v", len(list), err)
		}
		for _, m := range list {
			topics = append(topics, m.Command.(messages.PublishCommand).Message.Topic)
			receipts = append(receipts, m.Receipt)
		}
	}
	return topics, receipts
}

func (b *portBench) want(what string, got, want any) {
	b.Helper()
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		b.Errorf("%s: %+v, want %+v", what, got, want)
	}
}

// fine fails the test after an error.
func (b *portBench) fine(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// fails wants a failure of the layer.
func (b *portBench) fails(doing string, err error) {
	b.Helper()
	if f := (*messages.LayerFailure)(nil); !errors.As(err, &f) {
		b.Errorf("%s: %v is no failure of the layer", doing, err)
	}
}

func (b *portBench) send(batch *messages.Batch) messages.Outcome {
	b.Helper()
	o, err := b.Layer.Send(b.limited(), batch)
	b.fine(err)
	o.NameBytes = 0 // which depends on the layer
	return o
}

// portBatch has each payload travel alone.
func portBatch(target messages.Target, payloads ...string) *messages.Batch {
	events := make([]messages.Event, len(payloads))
	for i, p := range payloads {
		events[i].Message = &messages.Message{Topic: "t", Payload: []byte(p)}
	}
	return layerBatch(target, events)
}

func portCommands(b *portBench) {
	r := b.reader(b.Layer)
	for _, topic := range []string{"1", "2", "3", "4", "5"} {
		b.Put(topic)
	}
	topics, receipts := b.take(r, 5)
	b.want("commands", topics, []string{"1", "2", "3", "4", "5"})
	b.fine(b.Layer.Acknowledge(b.limited(), receipts))
	b.fine(b.Layer.Acknowledge(b.limited(), receipts))
	put := make(chan struct{})
	time.AfterFunc(20*time.Millisecond, func() {
		defer close(put)
		b.Put("6")
	})
	topics, _ = b.take(r, 1)
	b.want("while it waits", topics, []string{"6"})
	<-put // the message may come before the call of Put returns
}

// portCancel ends waiting; what comes afterwards comes with the next call.
func portCancel(b *portBench) {
	r := b.reader(b.Layer)
	for n := range 3 {
		ctx, cancel := context.WithTimeout(b.limited(), 20*time.Millisecond)
		_, err := r.Receive(ctx, 1)
		cancel()
		b.fails("waiting", err)
		if !errors.Is(err, context.DeadlineExceeded) {
			b.Errorf("cancelled: %v", err)
		}
		b.Put(fmt.Sprint(n))
		topics, _ := b.take(r, 1)
		b.want("afterwards", topics, []string{fmt.Sprint(n)})
	}
}

// portNext has a worker die: the next one has what it did not acknowledge, oldest first.
func portNext(b *portBench) {
	r := b.reader(b.Layer)
	for _, topic := range []string{"1", "2", "3", "4"} {
		b.Put(topic)
	}
	_, receipts := b.take(r, 3)
	b.fine(b.Layer.Acknowledge(b.limited(), receipts[1:2]))
	r.Close()
	topics, _ := b.take(b.reader(b.Next()), 3)
	b.want("the next worker's", topics, []string{"1", "3", "4"})
}

// portDeadLetter: nobody has a dead letter again.
func portDeadLetter(b *portBench) {
	r := b.reader(b.Layer)
	b.Put("1")
	b.Put("2")
	_, receipts := b.take(r, 1)
	letters := []messages.DeadLetter{{Receipt: receipts[0], Reason: "bad"}}
	b.fine(b.Layer.AddDeadLetters(b.limited(), letters))
	b.fine(b.Layer.AddDeadLetters(b.limited(), letters))
	r.Close()
	topics, _ := b.take(b.reader(b.Next()), 1)
	b.want("the next worker's", topics, []string{"2"})
}

// portClose: nobody waits on a reader that is closed, and it does not say that it is lost.
func portClose(b *portBench) {
	r := b.reader(b.Layer)
	time.AfterFunc(20*time.Millisecond, r.Close)
	_, err := r.Receive(b.limited(), 1)
	b.fails("closed while it waited", err)
	r.Close()
	_, err = r.Receive(b.limited(), 1)
	b.fails("closed", err)
	b.Put("1")
	topics, _ := b.take(b.reader(b.Layer), 1)
	b.want("another reader's", topics, []string{"1"})
}

// portLost: a reader whose connection fails says so at most once, with a failure, and not
// after Close.
func portLost(b *portBench) {
	lost := make(chan error, 10)
	r, err := b.Layer.OpenReader(b.limited(), 0, func(err error) { lost <- err })
	b.fine(err)
	b.Away(true)
	_, err = r.Receive(b.limited(), 1)
	b.fails("receiving", err)
	r.Close()
	told := len(lost)
	if told > 1 {
		b.Errorf("lost %d times", told)
	}
	if told == 1 {
		b.fails("lost", <-lost)
	}
	b.Away(false)
	b.Put("1")
	topics, _ := b.take(b.reader(b.Layer), 1)
	b.want("the next reader's", topics, []string{"1"})
	if len(lost) > 0 {
		b.Errorf("closed, and lost: %v", <-lost)
	}
}

// portAway: each call says that Redis is away.
func portAway(b *portBench) {
	b.Put("1")
	r, err := b.Layer.OpenReader(b.limited(), 0, func(error) {})
	b.fine(err)
	defer r.Close()
	_, receipts := b.take(r, 1)
	b.Away(true)
	ctx := b.limited()
	_, err = b.Layer.OpenReader(ctx, 0, func(error) {})
	b.fails("opening", err)
	b.fails("acknowledging", b.Layer.Acknowledge(ctx, receipts))
	b.fails("dead letter", b.Layer.AddDeadLetters(ctx, []messages.DeadLetter{{Receipt: receipts[0]}}))
	_, err = b.Layer.Send(ctx, portBatch(layerTarget("g"), "1"))
	b.fails("sending", err)
	_, err = b.Layer.Live(ctx, []messages.Target{layerTarget("g")})
	b.fails("looking", err)
	_, err = b.Layer.Restore(ctx)
	b.fails("restoring", err)
	_, err = b.Layer.Intact(ctx)
	b.fails("checking", err)
}

// portSend writes to all queues of a group, in order.
func portSend(b *portBench) {
	b.Join("g", "specific.a!1", "specific.a!2", "specific.b!1")
	b.want("outcome", b.send(portBatch(layerTarget("g"), "1", "2", "3")), messages.Outcome{Stored: 6})
	b.want("outcome", b.send(portBatch(messages.Target{Kind: messages.Channel, Name: "specific.c!1"}, "4")), messages.Outcome{Stored: 1})
	b.want("one queue", b.Read("specific.a!1"), []string{"1", "2", "3"})
	b.want("the other", b.Read("specific.b!1"), []string{"1", "2", "3"})
	b.want("a channel", b.Read("specific.c!1"), []string{"4"})
}

// portFull: a queue takes the first for which it has room, whatever the others do, and the
// rest when it is asked to later.
func portFull(b *portBench) {
	b.Join("g", "specific.a!1", "specific.b!1")
	b.Room("specific.a!1", 1)
	batch := portBatch(layerTarget("g"), "1", "2", "3")
	a := layerQueue("specific.a!1")
	o := b.send(batch)
	b.want("outcome", o, messages.Outcome{Stored: 4, FullQueues: []messages.FullQueue{{Queue: a, From: 1}}})
	if len(o.FullQueues) != 1 {
		return
	}
	b.want("what there was room for", b.Read("specific.a!1"), []string{"1"})
	b.Room("specific.a!1", 9)
	rest := &messages.Batch{Target: batch.Target, Bundles: batch.Bundles[1:], Queue: &o.FullQueues[0].Queue}
	b.want("outcome of the rest", b.send(rest), messages.Outcome{Stored: 2})
	b.want("the rest", b.Read("specific.a!1"), []string{"2", "3"})
	b.want("the other", b.Read("specific.b!1"), []string{"1", "2", "3"})
}

// portSkip: a queue that is skipped refuses everything.
func portSkip(b *portBench) {
	b.Join("g", "specific.a!1", "specific.b!1")
	batch := portBatch(layerTarget("g"), "1")
	batch.Skip = []string{messages.NonLocal("specific.a!1")}
	b.want("outcome", b.send(batch), messages.Outcome{Stored: 1, FullQueues: []messages.FullQueue{{Queue: layerQueue("specific.a!1")}}})
	b.want("what was skipped", b.Read("specific.a!1"), []string{})
}

// portRepeat sends a batch again, as after an error: it is there once.
func portRepeat(b *portBench) {
	b.Join("g", "specific.a!1")
	batch := portBatch(layerTarget("g"), "1", "2")
	b.send(batch)
	b.send(batch)
	b.send(portBatch(layerTarget("g"), "1"))
	b.want("written", b.Read("specific.a!1"), []string{"1", "2", "1"})
}

// portOnly writes to some channels of a group, each with its queue.
func portOnly(b *portBench) {
	b.Join("g", "specific.a!1", "specific.b!1")
	batch := portBatch(layerTarget("g"), "1")
	batch.Only = []string{"specific.b!1"}
	b.want("outcome", b.send(batch), messages.Outcome{Stored: 1})
	b.want("the others", b.Read("specific.a!1"), []string{})
	b.want("the channel", b.Read("specific.b!1"), []string{"1"})
}

func portLive(b *portBench) {
	b.Join("g", "specific.a!1")
	b.Leave("nobody")
	live, err := b.Layer.Live(b.limited(), []messages.Target{layerTarget("g"), layerTarget("nobody")})
	b.fine(err)
	b.want("live", live, []bool{true, false})
}

// kept is what is kept, in an order.
func (b *portBench) kept(l actors.Layer) string {
	b.Helper()
	all, err := l.Restore(b.limited())
	b.fine(err)
	var list []string
	for _, s := range all.Stored {
		list = append(list, fmt.Sprintf("%s %s %d", s.Filter, s.Target, s.Options.QoS))
	}
	for _, f := range all.Leaving {
		list = append(list, "leaving "+f)
	}
	for _, r := range all.Refusals {
		list = append(list, "refused "+r.Filter)
	}
	slices.Sort(list)
	return fmt.Sprint(list)
}

// portKept changes what is kept, for the next worker to find.
func portKept(b *portBench) {
	put := func(filter string, qos byte) messages.Change {
		return messages.Change{Put: &messages.Stored{Filter: filter, Target: layerTarget("g"), Options: messages.Options{QoS: qos}}}
	}
	b.want("at first", b.kept(b.Layer), "[]")
	var last uint64
	for _, changes := range [][]messages.Change{
		{put("a", 0), put("b", 1), {Leaving: "c"}, {Leaving: "d"}, {Refusal: &messages.FilterRefusal{Filter: "e"}}, {Refusal: &messages.FilterRefusal{Filter: "f"}}},
		{put("b", 2)},
		{{Remove: put("a", 0).Put}, {Gone: "c"}, {Accepted: "f"}},
	} {
		number, err := b.Layer.Write(b.limited(), changes)
		b.fine(err)
		if number < last {
			b.Errorf("change %d comes after %d", number, last)
		}
		last = number
		intact, err := b.Layer.Intact(b.limited())
		if err != nil || !intact {
			b.Errorf("intact: %t, %v", intact, err)
		}
	}
	b.want("in the end", b.kept(b.Next()), "[b group/g 2 leaving d refused e]")
}

// portKeptLost: what Redis has lost is noticed, once.
func portKeptLost(b *portBench) {
	stored := []messages.Change{{Put: &messages.Stored{Filter: "a", Target: layerTarget("g")}}}
	b.want("at first", b.kept(b.Layer), "[]")
	_, err := b.Layer.Write(b.limited(), stored)
	b.fine(err)
	b.Lose()
	intact, err := b.Layer.Intact(b.limited())
	if err != nil || intact {
		b.Errorf("lost, and intact: %t, %v", intact, err)
	}
	b.want("after the loss", b.kept(b.Layer), "[]")
	_, err = b.Layer.Write(b.limited(), stored)
	b.fine(err)
	intact, err = b.Layer.Intact(b.limited())
	if err != nil || !intact {
		b.Errorf("written again, and intact: %t, %v", intact, err)
	}
	b.want("written again", b.kept(b.Layer), "[a group/g 0]")
}
