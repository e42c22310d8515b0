package conform

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/test/kit"
)

// layerStreamKey begins the keys of the stream "s".
const layerStreamKey = "chanmqttproxy:asgi:mqtt:stream:s"

// layerStreamBounds are the partitions and bounds of a stream.
func layerStreamBounds(partitions, most, bytes int) func(*layer.Config) {
	return func(c *layer.Config) { c.StreamPartitions, c.StreamMessages, c.StreamBytes = partitions, most, bytes }
}

// layerStreamBatch is of n events with payloads from first on, of three topics in turn.
func layerStreamBatch(first, n int) *messages.Batch {
	b := &messages.Batch{Target: messages.Target{Kind: messages.Stream, Name: "s"}}
	for i := range n {
		m := &messages.Message{Topic: fmt.Sprint("t/", (first+i)%3), Payload: fmt.Append(nil, first+i)}
		b.Bundles = append(b.Bundles, messages.Bundle{Events: []messages.Event{{Message: m, QoS: 1}}})
	}
	return b
}

// layerEntry is one entry of a partition.
type layerEntry struct {
	key, id, topic string
	number         int64
}

// streamed are the entries of a stream's partitions, partition by partition. All of it is
// on the first host.
func (b *layerBench) streamed() (list []layerEntry) {
	b.t.Helper()
	for _, key := range b.partitions() {
		entries, err := b.hosts[0].XRange(b.context(), key, "-", "+").Result()
		if err != nil {
			b.t.Fatal(err)
		}
		for _, e := range entries {
			if e.Values["v"] != "1" {
				b.t.Errorf("the version of an entry is %v", e.Values["v"])
			}
			m, err := b.config().DecodeEntry(e.Values["body"].(string))
			if err != nil {
				b.t.Fatal(err)
			}
			inner, _ := m.Get("message")
			topic, _ := inner.(messages.Map).Get("topic")
			list = append(list, layerEntry{key, e.ID, topic.(string), layerPayload(b.t, m)})
		}
	}
	return list
}

// partitions are the keys of the partitions that are there.
func (b *layerBench) partitions() []string {
	b.t.Helper()
	keys, err := b.hosts[0].Keys(b.context(), layerStreamKey+":*:*").Result()
	if err != nil {
		b.t.Fatal(err)
	}
	slices.Sort(keys)
	return keys
}

// wantStreamed are the numbers that the stream must have, in order by topic.
func (b *layerBench) wantStreamed(want ...int64) {
	b.t.Helper()
	last, got := map[string]int64{}, []int64{}
	for _, e := range b.streamed() {
		if n, ok := last[e.topic]; ok && n >= e.number {
			b.t.Errorf("%s: %d comes behind %d", e.topic, e.number, n)
		}
		last[e.topic] = e.number
		got = append(got, e.number)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		b.t.Errorf("the stream has %v, want %v", got, want)
	}
}

// finish has a reader take the oldest entry of a partition and finish it.
func (b *layerBench) finish(e layerEntry) {
	b.t.Helper()
	ctx, host := b.context(), b.hosts[0]
	_, err := host.XReadGroup(ctx, &redis.XReadGroupArgs{Group: "handlers", Consumer: "c", Streams: []string{e.key, ">"}, Count: 1, Block: -1}).Result()
	if err != nil {
		b.t.Fatal(err)
	}
	if n, err := host.XAck(ctx, e.key, "handlers", e.id).Result(); n != 1 || err != nil {
		b.t.Fatalf("acknowledged %d: %v", n, err)
	}
	if err := host.XDel(ctx, e.key, e.id).Err(); err != nil {
		b.t.Fatal(err)
	}
}

func (b *layerBench) streamFact(field string) string {
	b.t.Helper()
	return b.hosts[0].HGet(b.context(), layerStreamKey, field).Val()
}

// layerRange are the numbers from first on.
func layerRange(first, n int) (list []int64) {
	for i := range n {
		list = append(list, int64(first+i))
	}
	return list
}

// layerStream appends events, each to the partition of its topic, for a consumer group
// that is there.
func layerStream(t *testing.T, b *layerBench) {
	c := b.client(layerStreamBounds(4, 100, 1<<20))
	b.wantOutcome(b.send(c, layerStreamBatch(0, 9)), messages.Outcome{Stored: 9})
	b.wantOutcome(b.send(c, layerStreamBatch(9, 3)), messages.Outcome{Stored: 3})
	b.wantStreamed(layerRange(0, 12)...)
	for _, e := range b.streamed() {
		if want := fmt.Sprintf("%s:1:%d", layerStreamKey, kit.StreamPartition(e.topic, 4)); e.key != want {
			t.Errorf("%s is in %s, want %s", e.topic, e.key, want)
		}
	}
	for field, want := range map[string]string{"format": "1", "generations": "1:4", "max_messages": "100", "max_bytes": "1048576", "dead_messages": "1000", "dead_bytes": "16777216"} {
		if got := b.streamFact(field); got != want {
			t.Errorf("%s is %q, want %q", field, got, want)
		}
	}
	if names := b.hosts[0].SMembers(b.context(), "chanmqttproxy:asgi:mqtt:streams").Val(); !slices.Equal(names, []string{"s"}) {
		t.Errorf("the streams are %q", names)
	}
	list, err := c.Streams(b.context())
	if err != nil || len(list) != 1 || list[0].Messages != 12 || list[0].Bytes < 12 {
		t.Fatalf("the streams are %+v: %v", list, err)
	}
	for _, e := range b.streamed() {
		b.finish(e)
	}
	b.wantStreamed()
	if list, err := c.Streams(b.context()); err != nil || list[0].Messages != 0 || list[0].Bytes != 0 {
		t.Errorf("the streams are %+v: %v", list, err)
	}
}

// layerStreamFull takes what there is room for, and goes on where it ended; what need not
// wait is dropped.
func layerStreamFull(t *testing.T, b *layerBench) {
	c := b.client(layerStreamBounds(3, 5, 1<<20))
	batch := layerStreamBatch(0, 9)
	b.wantOutcome(b.send(c, batch), messages.Outcome{Stored: 5, Full: true})
	b.wantOutcome(b.send(c, batch), messages.Outcome{Full: true})
	b.wantStreamed(layerRange(0, 5)...)
	first := b.streamed()
	b.finish(first[0])
	b.finish(first[1])
	b.wantOutcome(b.send(c, batch), messages.Outcome{Stored: 2, Full: true})
	for _, e := range b.streamed() {
		b.finish(e)
	}
	b.wantOutcome(b.send(c, batch), messages.Outcome{Stored: 2})
	b.wantStreamed(7, 8)
	drop := layerStreamBatch(9, 7)
	for i := range drop.Bundles {
		drop.Bundles[i].Events[0].Overflow = messages.OverflowDrop
	}
	drop.Bundles[6].Events[0].Overflow = messages.OverflowWait
	b.wantOutcome(b.send(c, drop), messages.Outcome{Stored: 3, Dropped: 3, Full: true})
	b.wantStreamed(layerRange(7, 5)...)
}

// layerStreamBytes counts what readers have not deleted, though they say nothing of sizes,
// and lets one message in that is larger than the bound.
func layerStreamBytes(t *testing.T, b *layerBench) {
	c := b.client(layerStreamBounds(2, 1000, 4000))
	large := layerStreamBatch(0, 2)
	large.Bundles[0].Events[0].Message.Payload = []byte(`"` + strings.Repeat("x", 9000) + `"`)
	b.wantOutcome(b.send(c, large), messages.Outcome{Stored: 1, Full: true})
	for _, key := range b.partitions() {
		if err := b.hosts[0].XTrimMaxLen(b.context(), key, 0).Err(); err != nil { // as if all had been read
			t.Fatal(err)
		}
	}
	b.wantOutcome(b.send(c, large), messages.Outcome{Stored: 1})
	next := 2
	for round := range 5 {
		batch := layerStreamBatch(next, 200)
		outcome := b.send(c, batch)
		list, err := c.Streams(b.context())
		if err != nil || !outcome.Full || list[0].Bytes > 4000 || list[0].Bytes < 3500 {
			t.Fatalf("round %d: %+v %+v: %v", round, outcome, list, err)
		}
		next += 200
		entries := b.streamed()
		for _, e := range entries[:len(entries)/2] {
			b.finish(e)
		}
		if again := b.send(c, batch); again.Stored == 0 || again.Stored > len(entries)/2+2 {
			t.Errorf("round %d: %d go where %d have gone", round, again.Stored, len(entries)/2)
		}
		for _, e := range b.streamed() {
			b.finish(e)
		}
	}
}

// layerStreamRepeated appends nothing twice of a batch that is sent again, also when other
// workers have appended since, and knows it from an equal one.
func layerStreamRepeated(t *testing.T, b *layerBench) {
	c := b.client()
	batch := layerStreamBatch(0, 4)
	b.wantOutcome(b.send(c, batch), messages.Outcome{Stored: 4})
	b.wantOutcome(b.send(c, batch), messages.Outcome{})
	b.wantStreamed(layerRange(0, 4)...)
	for _, e := range b.streamed() {
		b.finish(e)
	}
	b.wantOutcome(b.send(c, batch), messages.Outcome{})
	b.wantStreamed()
	b.wantOutcome(b.send(b.client(), layerStreamBatch(0, 4)), messages.Outcome{Stored: 4})
	b.wantStreamed(layerRange(0, 4)...)
}

// layerStreamGenerations opens other partitions for another number, keeps the old ones
// until they are read, and counts both.
func layerStreamGenerations(t *testing.T, b *layerBench) {
	b.send(b.client(layerStreamBounds(2, 10, 1<<20)), layerStreamBatch(0, 4))
	c := b.client(layerStreamBounds(3, 10, 1<<20))
	b.wantOutcome(b.send(c, layerStreamBatch(4, 7)), messages.Outcome{Stored: 6, Full: true})
	if got := b.streamFact("generations"); got != "1:2 2:3" {
		t.Errorf("the generations are %q", got)
	}
	var old []layerEntry
	for _, e := range b.streamed() {
		if strings.HasPrefix(e.key, layerStreamKey+":1:") != (e.number < 4) {
			t.Errorf("%d is in %s", e.number, e.key)
		}
		if e.number < 4 {
			old = append(old, e)
		}
	}
	b.finish(old[0])
	b.wantOutcome(b.send(c, layerStreamBatch(11, 1)), messages.Outcome{Stored: 1})
	if got := b.streamFact("generations"); got != "1:2 2:3" {
		t.Errorf("the generations are %q", got)
	}
	for _, e := range old[1:] {
		b.finish(e)
	}
	// Back to the former number: what it has is new all the same.
	b.wantOutcome(b.send(b.client(layerStreamBounds(2, 10, 1<<20)), layerStreamBatch(12, 1)), messages.Outcome{Stored: 1})
	if got := b.streamFact("generations"); got != "2:3 3:2" {
		t.Errorf("the generations are %q", got)
	}
	if keys := b.partitions(); slices.ContainsFunc(keys, func(k string) bool { return strings.HasPrefix(k, layerStreamKey+":1:") }) {
		t.Errorf("the partitions are %q", keys)
	}
}

// layerStreamLate appends nothing when nobody waits for it any more.
func layerStreamLate(t *testing.T, b *layerBench) {
	c := b.client(layerSlot(messages.StreamSlot, time.Now().Add(-time.Second)))
	var f *messages.LayerFailure
	if _, err := c.Send(b.context(), layerStreamBatch(0, 1)); !errors.As(err, &f) {
		t.Errorf("sent: %v", err)
	}
	b.wantStreamed()
}

// layerStreamRestart goes on when the server was restarted.
func layerStreamRestart(t *testing.T, b *layerBench) {
	c := b.client()
	b.send(c, layerStreamBatch(0, 2))
	batch := layerStreamBatch(2, 2)
	b.restart(func() {
		var f *messages.LayerFailure
		if _, err := c.Send(b.context(), batch); !errors.As(err, &f) {
			t.Errorf("sent to nobody: %v", err)
		}
	})
	outcome, err := c.Send(b.context(), batch)
	for ; err != nil && b.context().Err() == nil; outcome, err = c.Send(b.context(), batch) {
		time.Sleep(10 * time.Millisecond)
	}
	b.wantOutcome(outcome, messages.Outcome{Stored: 2})
	got := b.streamed()
	if n := got[len(got)-1].number; len(got) < 2 || n < 2 {
		t.Errorf("the stream has %v", got)
	}
}

// layerStreamUnreadable leaves a stream of a later version alone, and one whose key is of
// another type.
func layerStreamUnreadable(t *testing.T, b *layerBench) {
	c := b.client(layerStreamBounds(1, 10, 1000))
	ctx, host := b.context(), b.hosts[0]
	host.HSet(ctx, layerStreamKey, "format", "2")
	if _, err := c.Send(ctx, layerStreamBatch(0, 1)); err == nil || !strings.Contains(err.Error(), "format 2") {
		t.Errorf("sent: %v", err)
	}
	host.Del(ctx, layerStreamKey)
	host.Set(ctx, layerStreamKey+":1:0", "x", 0)
	if _, err := c.Send(ctx, layerStreamBatch(0, 1)); err == nil || !strings.Contains(err.Error(), "WRONGTYPE") {
		t.Errorf("sent: %v", err)
	}
	host.Del(ctx, layerStreamKey+":1:0")
	host.HSet(ctx, layerStreamKey, "generations", "nonsense", "bytes", "x", "last", "")
	b.wantOutcome(b.send(c, layerStreamBatch(0, 1)), messages.Outcome{Stored: 1})
	host.HSet(ctx, layerStreamKey, "generations", "1:-1 99999999999:7")
	if list, err := c.Streams(ctx); err != nil || list[0].Messages != 0 {
		t.Errorf("the streams are %+v: %v", list, err)
	}
}

// layerStreamWanted finds what is subscribed to, and opens it.
func layerStreamWanted(t *testing.T, b *layerBench) {
	later := time.Now().Add(time.Hour)
	first, c := b.client(layerSlot(0, later)), b.client(layerSlot(messages.StreamSlot, later))
	wanted := func(want bool) {
		t.Helper()
		if got, err := first.StreamsWanted(b.context()); got != want || err != nil {
			t.Errorf("wanted is %v, want %v: %v", got, want, err)
		}
	}
	wanted(false)
	stored := messages.Stored{Filter: "t/#", Target: messages.Target{Kind: messages.Stream, Name: "s"}, Options: messages.Options{QoS: 1}}
	b.store(c, messages.Change{Put: &stored})
	wanted(true)
	if got := b.streamFact("generations"); got != "1:4" {
		t.Errorf("the generations are %q", got)
	}
	if r, err := c.Restore(b.context()); err != nil || len(r.Stored) != 1 || r.Stored[0].Filter != stored.Filter || r.Stored[0].Target != stored.Target || r.Stored[0].Options != stored.Options {
		t.Errorf("stored is %+v: %v", r, err)
	}
	if r, err := first.Restore(b.context()); err != nil || len(r.Stored) != 0 {
		t.Errorf("the first slot has %+v: %v", r, err)
	}
	b.store(c, messages.Change{Remove: &stored})
	wanted(false)
}

// die puts an entry of a partition among the dead letters, as a reader does.
func (b *layerBench) die(e layerEntry, more ...any) {
	b.t.Helper()
	ctx, host := b.context(), b.hosts[0]
	entry, err := host.XRange(ctx, e.key, e.id, e.id).Result()
	if err != nil || len(entry) != 1 {
		b.t.Fatalf("%v: %v", entry, err)
	}
	values := append([]any{"v", "1", "b", strconv.Itoa(len(entry[0].Values["body"].(string))), "body", entry[0].Values["body"]}, more...)
	if err := host.XAdd(ctx, &redis.XAddArgs{Stream: layerStreamKey + ":dead", Values: values}).Err(); err != nil {
		b.t.Fatal(err)
	}
	b.finish(e)
}

// layerStreamLetters shows the readers' dead letters, and puts them back behind what is
// there, though the stream is full.
func layerStreamLetters(t *testing.T, b *layerBench) {
	c := b.client(layerStreamBounds(1, 3, 1<<20))
	b.send(c, layerStreamBatch(0, 3))
	list := b.streamed()
	b.die(list[0], "reason", "ValueError\x1b", "handler", "lamp", "attempts", "5")
	b.die(list[1])
	b.send(c, layerStreamBatch(3, 2)) // it is full
	if err := b.hosts[0].XAdd(b.context(), &redis.XAddArgs{Stream: layerStreamKey + ":dead", Values: []any{"body", "nonsense"}}).Err(); err != nil {
		t.Fatal(err)
	}
	letters, total, err := c.StreamLetters(b.context(), "s", 0, 10)
	if err != nil || total != 3 || len(letters) != 3 {
		t.Fatalf("%d of %d letters: %v", len(letters), total, err)
	}
	if l := letters[2]; l.Preview != "t/0" || l.Reason != "lamp: ValueError\ufffd (5 attempts)" || l.Size == 0 || time.Since(l.Time) > time.Minute {
		t.Errorf("the letter is %+v", l)
	}
	if page, _, err := c.StreamLetters(b.context(), "s", 1, 1); err != nil || len(page) != 1 || page[0] != letters[1] {
		t.Errorf("the page is %+v: %v", page, err)
	}
	if info, err := c.Streams(b.context()); err != nil || info[0].DeadLetters != 3 {
		t.Errorf("the stream is %+v: %v", info, err)
	}
	for want, ids := range [][]string{{"1-1"}, {letters[1].ID}} { // one that is not there, and one that is
		if n, err := c.RequeueStreamLetters(b.context(), "s", ids...); n != want || err != nil {
			t.Errorf("put back %d: %v", n, err)
		}
	}
	var unreadable *layer.UnreadableLetters
	if n, err := c.RequeueStreamLetters(b.context(), "s"); n != 1 || !errors.As(err, &unreadable) || unreadable.Count != 1 {
		t.Errorf("put back %d: %v", n, err)
	}
	var order []int64
	for _, e := range b.streamed() {
		order = append(order, e.number)
	}
	if !slices.Equal(order, []int64{2, 3, 4, 1, 0}) {
		t.Errorf("the stream has %v", order)
	}
	if n, err := c.DropStreamLetters(b.context(), "s"); n != 1 || err != nil {
		t.Errorf("dropped %d: %v", n, err)
	}
}
