package conform

import (
	"fmt"
	"testing"

	"chanmqttproxy/messages"
)

// fill writes events to one channel until its queue has n more.
func (b *layerBench) fill(send func(*messages.Batch) messages.Outcome, channel string, n int) {
	b.t.Helper()
	target := messages.Target{Kind: messages.Channel, Name: channel}
	if o := send(layerBatch(target, layerEvents(100, n))); o.Stored != n {
		b.t.Fatalf("%s took %d of %d", channel, o.Stored, n)
	}
}

// layerFullAndFree has one queue without room beside one with some and one with
// plenty: each takes the first for which it has room.
func layerFullAndFree(t *testing.T, b *layerBench) {
	c := b.client(layerCapacity(10))
	send := func(batch *messages.Batch) messages.Outcome { return b.send(c, batch) }
	b.fill(send, "specific.a!1", 10)
	b.fill(send, "specific.b!1", 7)
	b.join("g", "specific.a!1", "specific.a!2", "specific.b!1", "specific.c!1")
	b.wantOutcome(send(layerBatch(layerTarget("g"), layerEvents(0, 8))), messages.Outcome{
		Stored: 3 + 8,
		FullQueues: []messages.FullQueue{
			{Queue: layerQueue("specific.a!1", "specific.a!2")},
			{Queue: layerQueue("specific.b!1"), From: 3},
		},
	})
	b.wantNumbers(b.payloads("asgispecific.a!"), 100, 10)
	b.wantNumbers(b.payloads("asgispecific.b!")[7:], 0, 3)
	b.wantNumbers(b.payloads("asgispecific.c!"), 0, 8)
}

// layerFullInChunks sends more than one call of the script carries. What was
// refused in one is not tried in the next, though there may be room again.
func layerFullInChunks(t *testing.T, b *layerBench) {
	const all, call = 600, 256
	c := b.client(layerCapacity(400))
	b.join("g", "specific.a!1", "specific.b!1")
	for key, n := range map[string]int{"specific.a!1": 390, "specific.b!1": 400 - call} {
		b.fill(func(batch *messages.Batch) messages.Outcome { return b.send(c, batch) }, key, n)
	}
	outcome := b.send(c, layerBatch(layerTarget("g"), layerEvents(0, all)))
	b.wantOutcome(outcome, messages.Outcome{Stored: 10 + call, FullQueues: []messages.FullQueue{
		{Queue: layerQueue("specific.a!1"), From: 10}, {Queue: layerQueue("specific.b!1"), From: call},
	}})
	b.wantNumbers(b.payloads("asgispecific.a!")[390:], 0, 10)
	b.wantNumbers(b.payloads("asgispecific.b!")[400-call:], 0, call)
}

// layerRepeatRefused sends again what was partly refused and partly read: what
// was written before is not there twice, and the rest follows.
func layerRepeatRefused(t *testing.T, b *layerBench) {
	c := b.client(layerCapacity(10))
	b.join("g", "specific.a!1")
	b.fill(func(batch *messages.Batch) messages.Outcome { return b.send(c, batch) }, "specific.a!1", 4)
	batch := layerBatch(layerTarget("g"), layerEvents(0, 12))
	b.send(c, batch) // writes 0 to 5
	if err := b.find("asgispecific.a!").ZPopMin(b.context(), "asgispecific.a!", 7).Err(); err != nil {
		t.Fatal(err)
	}
	b.wantOutcome(b.send(c, batch), messages.Outcome{Stored: 12})
	b.wantNumbers(b.payloads("asgispecific.a!"), 3, 9)
}

// layerRepeatJoined sends again after somebody joined who shares the queue.
func layerRepeatJoined(t *testing.T, b *layerBench) {
	c := b.client()
	b.join("g", "specific.a!1")
	batch := layerBatch(layerTarget("g"), layerEvents(0, 5))
	b.send(c, batch)
	b.join("g", "specific.a!2", "specific.b!1")
	b.wantOutcome(b.send(c, batch), messages.Outcome{Stored: 10})
	b.wantNumbers(b.payloads("asgispecific.a!"), 0, 5)
	b.wantNumbers(b.payloads("asgispecific.b!"), 0, 5)
}

func layerSkip(t *testing.T, b *layerBench) {
	c := b.client(layerCapacity(300))
	b.join("g", "specific.a!1", "specific.a!2", "specific.b!1", "mqtt")
	batch := layerBatch(layerTarget("g"), layerEvents(0, 300))
	batch.Skip = []string{"specific.a!", "specific.gone!", "mqtt"}
	b.wantOutcome(b.send(c, batch), messages.Outcome{Stored: 300, FullQueues: []messages.FullQueue{
		{Queue: layerQueue("mqtt")}, {Queue: layerQueue("specific.a!1", "specific.a!2")},
	}})
	b.wantNumbers(b.payloads("asgispecific.b!"), 0, 300)
	for _, key := range []string{"asgispecific.a!", "asgispecific.gone!", "asgimqtt"} {
		if b.find(key).Exists(b.context(), key).Val() != 0 {
			t.Errorf("%s was written and should be skipped", key)
		}
	}
}

// layerOnly writes to some of a group, of which two share a queue with one who is
// not named, and one has no room.
func layerOnly(t *testing.T, b *layerBench) {
	c := b.client(layerCapacity(10))
	send := func(batch *messages.Batch) messages.Outcome { return b.send(c, batch) }
	b.join("g", "specific.a!1", "specific.a!2", "specific.a!3", "specific.b!1", "specific.c!1", "specific.d!1")
	b.fill(send, "specific.b!1", 7)
	batch := layerBatch(layerTarget("g"), layerEvents(0, 8))
	batch.Only = []string{"specific.a!1", "specific.b!1", "specific.a!3", "specific.d!1"}
	batch.Skip = []string{"specific.d!"}
	want := messages.Outcome{Stored: 8 + 3, FullQueues: []messages.FullQueue{
		{Queue: layerQueue("specific.b!1"), From: 3}, {Queue: layerQueue("specific.d!1")},
	}}
	b.wantOutcome(send(batch), want)
	b.wantOutcome(send(batch), want) // nothing is there twice
	b.wantNumbers(b.payloads("asgispecific.b!")[7:], 0, 3)
	list := b.read("asgispecific.a!")
	for i, m := range list {
		if layerPayload(t, m) != int64(i) || layerNames(t, m) != "specific.a!1 specific.a!3" {
			t.Errorf("message %d is %v", i, m)
		}
	}
	if len(list) != 8 {
		t.Errorf("%d messages", len(list))
	}
	for _, key := range []string{"asgispecific.c!", "asgispecific.d!"} {
		if b.find(key).Exists(b.context(), key).Val() != 0 {
			t.Errorf("%s was written", key)
		}
	}
}

// layerOneQueue writes to one queue of a group, for members that may have left.
func layerOneQueue(t *testing.T, b *layerBench) {
	c := b.client(layerCapacity(10))
	b.join("g", "specific.a!1", "specific.b!1")
	for _, queue := range []messages.Queue{layerQueue("specific.a!1", "specific.a!left"), layerQueue("mqtt")} {
		batch := layerBatch(layerTarget("g"), layerEvents(0, 12))
		batch.Queue = &queue
		b.wantOutcome(b.send(c, batch), messages.Outcome{
			Stored: 10, FullQueues: []messages.FullQueue{{Queue: queue, From: 10}},
		})
		for i, m := range b.read("asgi" + queue.Name) {
			names, _ := m.Get("__asgi_channel__")
			if layerPayload(t, m) != int64(i) || fmt.Sprint(names) != fmt.Sprint(queue.Members) {
				t.Errorf("message %d is %v", i, m)
			}
		}
	}
	if b.find("asgispecific.b!").Exists(b.context(), "asgispecific.b!").Val() != 0 {
		t.Error("another queue was written")
	}
}

// layerFullChannel has a channel without room, and skips it.
func layerFullChannel(t *testing.T, b *layerBench) {
	c := b.client(layerCapacity(10))
	for _, name := range []string{"specific.a!1", "general"} {
		target := messages.Target{Kind: messages.Channel, Name: name}
		queue := layerQueue(name)
		b.wantOutcome(b.send(c, layerBatch(target, layerEvents(0, 12))), messages.Outcome{
			Stored: 10, FullQueues: []messages.FullQueue{{Queue: queue, From: 10}},
		})
		b.wantNumbers(b.payloads("asgi"+queue.Name), 0, 10)
		skipping := layerBatch(target, layerEvents(0, 2))
		skipping.Skip = []string{queue.Name}
		b.wantOutcome(b.send(c, skipping), messages.Outcome{FullQueues: []messages.FullQueue{{Queue: queue}}})
		only := layerBatch(target, layerEvents(5, 3))
		only.Queue = &queue
		b.wantOutcome(b.send(c, only), messages.Outcome{Stored: 3})
		for i, m := range b.read("asgi" + queue.Name) {
			if to, ok := m.Get("__asgi_channel__"); layerPayload(t, m) != int64(5+i) || ok && to != name {
				t.Errorf("message %d is %v", i, m)
			}
		}
	}
}

// layerPlural has several events travel as one message, which has room or not
// as a whole.
func layerPlural(t *testing.T, b *layerBench) {
	c := b.client(layerCapacity(3))
	b.join("g", "specific.a!1")
	batch := &messages.Batch{Target: layerTarget("g")}
	for i, n := range []int{1, 20, 0, 50} {
		batch.Bundles = append(batch.Bundles, messages.Bundle{Plural: true, Events: layerEvents(100*i, n)})
	}
	b.wantOutcome(b.send(c, batch), messages.Outcome{Stored: 3, FullQueues: []messages.FullQueue{
		{Queue: layerQueue("specific.a!1"), From: 3},
	}})
	for i, m := range b.read("asgispecific.a!") {
		list, _ := m.Get("messages")
		var got []int64
		for _, inner := range list.([]any) {
			got = append(got, layerInner(t, inner))
		}
		b.wantNumbers(got, 100*i, len(batch.Bundles[i].Events))
		if typ, _ := m.Get("type"); typ != "mqtt.messages" || len(m) != 3 {
			t.Errorf("message %d: %v", i, m)
		}
	}
}

// layerForced counts payloads that are not what they are forced to be: once,
// whoever hears them.
func layerForced(t *testing.T, b *layerBench) {
	c := b.client()
	b.join("g", "specific.a!1", "specific.b!1")
	batch := layerBatch(layerTarget("g"), layerEvents(0, 4))
	for i := range batch.Bundles {
		batch.Bundles[i].Events[0].Payload = messages.PayloadJSON
	}
	batch.Bundles[1].Events[0].Message.Payload = []byte("{")
	batch.Bundles[2].Events[0].Message.Payload = []byte(`{"a": [18446744073709551616, 1, -18446744073709551616]}`)
	batch.Bundles[3].Events[0].Message.Payload = []byte("\xff")
	b.wantOutcome(b.send(c, batch), messages.Outcome{Stored: 8, Undecodable: 2, BigNumbers: 2})
	queue := layerQueue("specific.a!1")
	again := &messages.Batch{Target: batch.Target, Bundles: batch.Bundles, Queue: &queue}
	b.wantOutcome(b.send(c, again), messages.Outcome{Stored: 4})
}

// layerManyMembers has a group in a thousand processes.
func layerManyMembers(t *testing.T, b *layerBench) {
	c := b.client(layerCapacity(5))
	names := make([]string, 1000)
	for i := range names {
		names[i] = fmt.Sprintf("specific.%04d!1", i)
	}
	b.join("g", names...)
	outcome := b.send(c, layerBatch(layerTarget("g"), layerEvents(0, 5)))
	b.wantOutcome(outcome, messages.Outcome{Stored: 5000})
	if least := 5000 * len(names[0]); outcome.NameBytes < least || outcome.NameBytes > 3*least {
		t.Errorf("%d bytes of names were written, which have %d", outcome.NameBytes, least)
	}
	outcome = b.send(c, layerBatch(layerTarget("g"), layerEvents(5, 1)))
	if outcome.Stored != 0 || len(outcome.FullQueues) != len(names) {
		t.Errorf("stored %d, refused by %d", outcome.Stored, len(outcome.FullQueues))
	}
}
