package delivery_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"chanmqttproxy/actors/delivery"
	"chanmqttproxy/actors/stats"
	"chanmqttproxy/messages"
)

var (
	begin  = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	alerts = messages.Target{Kind: messages.Group, Name: "alerts"}
)

// target is one target under test, with its counters.
func target(change func(*delivery.Limits)) (*delivery.Target, *stats.Stats) {
	s := &stats.Stats{}
	limits := &delivery.Limits{Backlog: 100, Overflow: 100, Expiry: time.Minute, Budget: stats.Budget{Held: &s.WaitingBytes, Limit: 1 << 20}, Stats: s}
	if change != nil {
		change(limits)
	}
	return delivery.New(alerts, limits), s
}

// deliver is the n-th delivery, of a topic of its own.
func deliver(n int, change func(*messages.Deliver)) messages.Deliver {
	m := messages.Deliver{
		Target: alerts, Weight: messages.Whole, Token: messages.Token{Seq: uint64(n), QoS: 1},
		Event: messages.Event{Message: &messages.Message{Topic: fmt.Sprint(n), QoS: 1, At: begin}},
	}
	if change != nil {
		change(&m)
	}
	return m
}

// topics are those of a batch's events, a bundle each.
func topics(b *messages.Batch) (list []string) {
	if b == nil {
		return nil
	}
	for _, bundle := range b.Bundles {
		text := ""
		for _, e := range bundle.Events {
			text += e.Message.Topic
		}
		list = append(list, text)
	}
	return list
}

func seqs(parts []messages.Settlement) (list []uint64) {
	for _, p := range parts {
		list = append(list, p.Token.Seq)
	}
	return list
}

// refusing is an outcome in which a queue did not take the bundles from the given one on.
func refusing(queue string, from int) messages.Outcome {
	return messages.Outcome{FullQueues: []messages.FullQueue{{Queue: messages.Queue{Name: queue, Members: []string{queue + "a"}}, From: from}}}
}

// TestNext: what waits goes with one write while none is under way, as much as fits together.
func TestNext(t *testing.T) {
	t.Parallel()
	batch := func(n int) func(*messages.Deliver) { return func(m *messages.Deliver) { m.Event.Batch = n } }
	for name, test := range map[string]struct {
		add  []messages.Deliver
		want []string
	}{
		"nothing":             {nil, nil},
		"each alone":          {[]messages.Deliver{deliver(1, nil), deliver(2, nil)}, []string{"1", "2"}},
		"batches":             {[]messages.Deliver{deliver(1, batch(2)), deliver(2, batch(2)), deliver(3, batch(2))}, []string{"12", "3"}},
		"batches of a size":   {[]messages.Deliver{deliver(1, batch(3)), deliver(2, batch(2)), deliver(3, batch(2))}, []string{"1", "23"}},
		"not what is too old": {[]messages.Deliver{deliver(1, batch(9)), deliver(2, func(m *messages.Deliver) { m.Event.Batch, m.Event.Message.At = 9, begin.Add(2*time.Second) })}, []string{"1", "2"}},
	} {
		x, _ := target(nil)
		for _, m := range test.add {
			x.Add(m)
		}
		if got := topics(x.Next()); !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
		if x.Next() != nil {
			t.Errorf("%s: two writes at a time", name)
		}
	}
}

func TestWritten(t *testing.T) {
	t.Parallel()
	x, s := target(nil)
	x.Add(deliver(1, nil))
	x.Add(messages.Deliver{Target: alerts, Receipt: "r", Event: messages.Event{Message: &messages.Message{Topic: "answer"}}})
	b := x.Next()
	x.Add(deliver(2, nil))
	if failed, queue := x.Failed(b); failed != 1 || queue != "" {
		t.Errorf("failed %d times, for %q", failed, queue)
	}
	if again := x.Again("", begin); again.Write != b {
		t.Error("another batch is written after a failure")
	}
	e := x.Written(b, messages.Outcome{Stored: 2}, begin)
	if got := seqs(e.Settled); !slices.Equal(got, []uint64{1, 0}) || !slices.Equal(e.Answered, []messages.Receipt{"r"}) {
		t.Errorf("settled %v, answered %v", got, e.Answered)
	}
	if got := topics(e.Write); !slices.Equal(got, []string{"2"}) || s.Stored.Load() != 2 {
		t.Errorf("next is %v; %d stored", got, s.Stored.Load())
	}
	x.Written(e.Write, messages.Outcome{Stored: 1}, begin)
	if !x.Empty() || s.WaitingBytes.Load() != 0 {
		t.Errorf("%d bytes wait", s.WaitingBytes.Load())
	}
}

// TestBacklogIsBounded: QoS 0 goes first, the oldest first; QoS 1 stays.
func TestBacklogIsBounded(t *testing.T) {
	t.Parallel()
	x, s := target(func(l *delivery.Limits) { l.Backlog = 2 })
	var dropped []uint64
	for n := 1; n <= 5; n++ {
		dropped = append(dropped, seqs(x.Add(deliver(n, func(m *messages.Deliver) { m.Event.Message.QoS = byte(n % 2) })))...)
	}
	if !slices.Equal(dropped, []uint64{2, 4}) || s.Overflowed.Load() != 2 {
		t.Errorf("dropped %v", dropped)
	}
	if got := topics(x.Next()); !slices.Equal(got, []string{"1", "3", "5"}) {
		t.Errorf("left %v", got)
	}
}

// TestOverflow: what a queue has no room for waits for it alone, in order.
func TestOverflow(t *testing.T) {
	t.Parallel()
	x, s := target(nil)
	for n := 1; n <= 3; n++ {
		x.Add(deliver(n, nil))
	}
	e := x.Written(x.Next(), refusing("q!", 1), begin)
	if len(e.Settled) != 3 || len(e.Again) != 1 || e.Again[0].Queue != "q!" || s.InOverflow.Load() != 2 {
		t.Fatalf("%+v, %d wait", e, s.InOverflow.Load())
	}
	x.Add(deliver(4, nil))
	b := x.Next()
	if !slices.Equal(b.Skip, []string{"q!"}) {
		t.Errorf("skips %v", b.Skip)
	}
	e = x.Again("q!", begin)
	if got := topics(e.Write); !slices.Equal(got, []string{"2", "3"}) || e.Write.Queue.Name != "q!" {
		t.Errorf("writes %v", got)
	}
	part := e.Write
	x.Written(b, refusing("q!", 0), begin) // it was skipped
	e = x.Written(part, refusing("q!", 1), begin)
	if e.Write != nil || len(e.Again) != 1 || s.InOverflow.Load() != 2 {
		t.Errorf("%+v, %d wait", e, s.InOverflow.Load())
	}
	e = x.Again("q!", begin)
	if got := topics(e.Write); !slices.Equal(got, []string{"3", "4"}) {
		t.Errorf("writes %v", got)
	}
	if e = x.Written(e.Write, messages.Outcome{Stored: 2}, begin); e.Write != nil || x.Overflows() || s.WaitingBytes.Load() != 0 {
		t.Errorf("%+v, %d bytes", e, s.WaitingBytes.Load())
	}
}

// TestOverflowModes: what becomes of two messages of one topic for which there is no room.
func TestOverflowModes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		mode  messages.Overflow
		after time.Duration
		want  []string
		count func(*stats.Stats) int64
	}{
		{messages.OverflowWait, 0, []string{"a", "b"}, func(*stats.Stats) int64 { return 2 }},
		{messages.OverflowDrop, 0, nil, func(s *stats.Stats) int64 { return s.Full.Load() }},
		{messages.OverflowLatest, 0, []string{"b"}, func(s *stats.Stats) int64 { return 1 + s.Replaced.Load() }},
		{messages.OverflowWait, 2 * time.Minute, nil, func(s *stats.Stats) int64 { return s.Expired.Load() }},
		{messages.OverflowLatest, 2 * time.Minute, []string{"b"}, func(s *stats.Stats) int64 { return 1 + s.Replaced.Load() }},
	} {
		x, s := target(nil)
		for _, payload := range []string{"a", "b"} {
			x.Add(deliver(1, func(m *messages.Deliver) { m.Event.Overflow, m.Event.Message.Payload = test.mode, []byte(payload) }))
		}
		e := x.Written(x.Next(), refusing("q!", 0), begin)
		var got []string
		if len(e.Again) > 0 {
			if b := x.Again("q!", begin.Add(test.after)).Write; b != nil {
				for _, bundle := range b.Bundles {
					got = append(got, string(bundle.Events[0].Message.Payload))
				}
			}
		}
		if !slices.Equal(got, test.want) || test.count(s) != 2 {
			t.Errorf("%v after %v: %q, want %q; counted %d", test.mode, test.after, got, test.want, test.count(s))
		}
	}
}

// TestHandOver: it is answered when all that waited then is written, also to a queue that
// had no room.
func TestHandOver(t *testing.T) {
	t.Parallel()
	x, _ := target(nil)
	if e := x.HandOver(1); !slices.Equal(e.HandedOver, []uint64{1}) {
		t.Errorf("nothing waits: %v", e.HandedOver)
	}
	x.Add(deliver(1, nil))
	if e := x.HandOver(2); e.HandedOver != nil {
		t.Errorf("before the write: %v", e.HandedOver)
	}
	if e := x.Written(x.Next(), refusing("q!", 0), begin); e.HandedOver != nil {
		t.Errorf("before the queue has room: %v", e.HandedOver)
	}
	x.Add(deliver(2, nil)) // does not count
	b := x.Again("q!", begin).Write
	if e := x.Written(b, messages.Outcome{Stored: 1}, begin); !slices.Equal(e.HandedOver, []uint64{2}) {
		t.Errorf("at last: %v", e.HandedOver)
	}
}

func TestGiveUp(t *testing.T) {
	t.Parallel()
	x, s := target(nil)
	x.Add(deliver(1, nil))
	x.Written(x.Next(), refusing("q!", 0), begin)
	x.Add(deliver(2, nil))
	x.Next()
	x.Add(deliver(3, nil))
	if got := seqs(x.GiveUp().Settled); !slices.Equal(got, []uint64{2, 3}) {
		t.Errorf("settled %v", got)
	}
	if overflow, bytes := s.InOverflow.Load(), s.WaitingBytes.Load(); overflow != 0 || bytes != 0 {
		t.Errorf("%d wait, %d bytes", overflow, bytes)
	}
}

func TestLedger(t *testing.T) {
	t.Parallel()
	l := delivery.NewLedger(&stats.Stats{})
	part := func(seq uint64, qos byte, weight uint64) messages.Settlement {
		return messages.Settlement{Token: messages.Token{Seq: seq, QoS: qos, Traced: seq == 3}, Weight: weight}
	}
	undone := func(s messages.Settlement) messages.Settlement { s.Undone = true; return s }
	for i, test := range []struct {
		parts   []messages.Settlement
		whole   []uint64
		settled int64
		traced  int
	}{
		{[]messages.Settlement{part(1, 1, messages.Whole)}, []uint64{1}, 1, 0},
		{[]messages.Settlement{part(2, 1, messages.Whole/2), part(4, 1, 0)}, nil, 0, 0},
		{[]messages.Settlement{part(3, 0, messages.Whole), part(2, 1, messages.Whole-messages.Whole/2)}, []uint64{2}, 2, 1},
		{[]messages.Settlement{undone(part(5, 1, messages.Whole/2)), part(6, 1, messages.Whole)}, []uint64{6}, 1, 0},
		{[]messages.Settlement{part(5, 1, messages.Whole-messages.Whole/2), undone(part(7, 0, messages.Whole))}, nil, 2, 0},
		{[]messages.Settlement{part(5, 1, messages.Whole)}, []uint64{5}, 1, 0}, // it came again
	} {
		c := l.Credit(test.parts, 0)
		if !slices.Equal(c.Acknowledge, test.whole) || c.Settled != test.settled || len(c.Traced) != test.traced {
			t.Errorf("%d: %+v", i, c)
		}
	}
}
