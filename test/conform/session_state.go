package conform

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
	"chanmqttproxy/test/kit"
)

// sessionAcksOutOfOrder: acknowledgements go out in the order of arrival, so the
// first message holds up all; on the next connection none is told again, and
// the old ones are acknowledged there.
func sessionAcksOutOfOrder(s *session) {
	if !s.features.Stores || !s.features.KeepsIDs {
		s.Skip("the broker does not keep what is unacknowledged, or not its packet ids")
	}
	mqtt, held := s.client("a", s.broker.URL), NewSink(nil)
	live := s.dial(mqtt, held)
	at := s.topic("a")
	s.subscribe(live, messages.Desired{Filter: at, QoS: 2})
	from, _ := s.connect("from")
	for i := range 10 {
		s.publish(from, fmt.Sprint(i), messages.Message{Topic: at, Payload: []byte(fmt.Sprint(i)), QoS: byte(1 + i%2)})
	}
	s.eventually("all arrive", func() bool { return len(held.Messages()) == 10 })
	for _, r := range slices.Backward(held.Messages()[1:]) {
		mqtt.Ack(r.Seq, r.Seq)
	}
	live.Close()

	again := NewSink(mqtt)
	live = s.dial(mqtt, again)
	mqtt.Ack(held.Messages()[0].Seq) // of the first connection
	s.publish(from, "x", messages.Message{Topic: at, Payload: []byte("x"), QoS: 1})
	s.eventually("a new message arrives", func() bool { return len(again.Messages()) > 0 })
	if got := again.Messages(); len(got) != 1 || string(got[0].Message.Payload) != "x" || got[0].Seq <= 10 {
		s.Fatalf("after a reconnect came %q from seq %d on, want only the new message", again.Payloads(), got[0].Seq)
	}
	s.publish(live, "sync", messages.Message{Topic: s.topic("none"), QoS: 1})
	s.eventually("the acknowledgements are through", func() bool { return len(again.Settled()) == 1 })
	live.Close()

	// Somebody who knows nothing sees what the broker still has.
	_, last := s.connect("a")
	s.publish(from, "y", messages.Message{Topic: at, Payload: []byte("y"), QoS: 1})
	s.eventually("a new message arrives", func() bool { return len(last.Messages()) > 0 })
	if got := last.Payloads(); !slices.Equal(got, []string{"y"}) {
		s.Fatalf("after all was acknowledged came %q", got)
	}
}

// sessionUnacknowledgedAfterRestart: a new process gets what the old one had not
// acknowledged.
func sessionUnacknowledgedAfterRestart(s *session) {
	if !s.features.Stores {
		s.Skip("the broker does not keep what is unacknowledged")
	}
	mqtt, held := s.client("a", s.broker.URL), NewSink(nil)
	live := s.dial(mqtt, held)
	at := s.topic("a")
	s.subscribe(live, messages.Desired{Filter: at, QoS: 2})
	from, _ := s.connect("from")
	for i := range 6 {
		s.publish(from, fmt.Sprint(i), messages.Message{Topic: at, Payload: []byte(fmt.Sprint(i)), QoS: byte(1 + i%2)})
	}
	s.eventually("all arrive", func() bool { return len(held.Messages()) == 6 })
	mqtt.Ack(held.Messages()[0].Seq)
	live.Close()

	live, again := s.connect("a")
	if !live.Info().Present {
		s.Fatal("the broker has no session")
	}
	s.eventually("the unacknowledged come again", func() bool { return len(again.Messages()) >= 5 })
	one, two := payloadsOf(again, 1), payloadsOf(again, 2)
	want1, want2 := []string{"2", "4"}, []string{"1", "3", "5"}
	if s.features.GrantedQoS == 1 {
		want1, want2 = []string{"1", "2", "3", "4", "5"}, nil
	}
	if !slices.Equal(one, want1) || !slices.Equal(two, want2) {
		s.Fatalf("after a restart came %q of QoS 1 and %q of QoS 2", one, two)
	}
}

// payloadsOf returns the payloads of one QoS; between them there is no order.
func payloadsOf(sink *Sink, qos byte) (some []string) {
	for _, r := range sink.Messages() {
		if r.Message.QoS == qos {
			some = append(some, string(r.Message.Payload))
		}
	}
	return some
}

// keeper reconnects for ever, as the broker's keeper does.
type keeper struct {
	*session
	mqtt    actors.MQTT
	sink    *Sink // of all connections
	pending []messages.Publish

	progress int // all that was received and settled
	deadline time.Time
}

// run keeps a session until done: on each connection it does what each says,
// which learns when that one is lost.
func (k *keeper) run(done func() bool, each func(live actors.Conn, lost func() bool)) {
	k.deadline = time.Now().Add(stalled)
	for !done() {
		losses := len(k.sink.Losses()) // before it can be lost
		lost := func() bool { return len(k.sink.Losses()) > losses }
		live, err := k.mqtt.Dial(k.Context(), k.features.Version, k.sink)
		if err != nil {
			k.check()
			time.Sleep(time.Millisecond) // the proxy was cut within the handshake
			continue
		}
		each(live, lost)
		k.until(func() bool { return done() || lost() })
		live.Close()
	}
}

// until waits for a condition while there is time.
func (k *keeper) until(condition func() bool) {
	for !condition() {
		k.check()
		time.Sleep(time.Millisecond)
	}
}

// stalled is after how long without progress a test has failed, however slow the machine.
const stalled = time.Minute

// check ends a test in which nothing goes on.
func (k *keeper) check() {
	if n := k.sink.Count() + len(k.sink.Settled()); n != k.progress {
		k.progress, k.deadline = n, time.Now().Add(stalled)
	}
	if time.Now().After(k.deadline) {
		k.Fatalf("no progress for a minute: %d received, %d of them not again, %d settled, %d lost connections",
			k.sink.Count(), len(firsts(k.sink.Payloads())), len(k.sink.Settled()), len(k.sink.Losses()))
	}
}

// cut breaks the proxy's connections after some kilobytes, again and again, some
// times or until ctx ends.
func cut(ctx context.Context, proxy *kit.Proxy, times int) {
	for range times {
		proxy.CutAfter(500 + rand.IntN(20_000))
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Duration(10+rand.IntN(40)) * time.Millisecond):
		}
	}
}

const cutMessages = 2000

// sessionInboundAcrossCuts: QoS 2 comes exactly once and in order, QoS 1 at least
// once, whenever the connection breaks and however late it is acknowledged.
func sessionInboundAcrossCuts(s *session) {
	if !s.features.Stores {
		s.Skip("the broker does not keep what is unacknowledged")
	}
	for qos := byte(1); qos <= s.features.GrantedQoS; qos++ {
		inboundAcrossCuts(s, qos)
	}
}

func inboundAcrossCuts(s *session, qos byte) {
	proxy := kit.NewProxy(s, s.broker.URL.Host)
	at := s.topic(fmt.Sprint("in/", qos))
	k := &keeper{session: s, mqtt: s.client(fmt.Sprint("to", qos), proxy.URL()), sink: NewSink(nil)}
	var want []string
	for i := range cutMessages {
		want = append(want, fmt.Sprint(i))
	}
	from, told := s.connect(fmt.Sprint("from", qos))
	ctx, cancel := context.WithCancel(s.Context())
	var once sync.Once
	var work sync.WaitGroup
	defer work.Wait()
	defer cancel()
	acked := 0
	all := func() bool { return acked >= cutMessages && len(firsts(k.sink.Payloads())) == cutMessages }
	k.run(all, func(live actors.Conn, lost func() bool) {
		once.Do(func() {
			s.subscribe(live, messages.Desired{Filter: at, QoS: qos})
			work.Go(func() { cut(ctx, proxy, 40) })
			work.Go(func() { publishAll(ctx, from, at, want, qos) })
		})
		k.until(func() bool {
			acked = ackShuffled(k.mqtt, k.sink, acked)
			return all() || lost()
		})
	})
	s.eventually("the broker acknowledges all", func() bool { return len(told.Settled()) == cutMessages })
	got := k.sink.Payloads()
	if qos == 1 {
		got = firsts(got)
	}
	if !slices.Equal(got, want) {
		s.Fatalf("QoS %d: %d messages came for %d over %d cuts, or out of order%s", qos, len(got), len(want), len(k.sink.Losses()), difference(got, want))
	}
}

// publishAll publishes payloads, not all at once, until ctx ends.
func publishAll(ctx context.Context, from actors.Conn, at string, payloads []string, qos byte) {
	for i, payload := range payloads {
		m := &messages.Message{Topic: at, Payload: []byte(payload), QoS: qos}
		if from.Publish(ctx, messages.Publish{Receipt: messages.Receipt(payload), Message: m}) != nil {
			return
		}
		if i%20 == 0 {
			time.Sleep(2 * time.Millisecond)
		}
	}
}

// ackShuffled acknowledges what has come since, a little later and in no order.
func ackShuffled(mqtt actors.MQTT, sink *Sink, from int) int {
	time.Sleep(2 * time.Millisecond)
	all := sink.Messages()
	some := all[from:]
	for _, i := range rand.Perm(len(some)) {
		mqtt.Ack(some[i].Seq)
	}
	return len(all)
}

// firsts leaves out repetitions.
func firsts(all []string) []string {
	seen := map[string]bool{}
	var some []string
	for _, p := range all {
		if !seen[p] {
			seen[p] = true
			some = append(some, p)
		}
	}
	return some
}

// difference is where two lists part, with some of each.
func difference(got, want []string) string {
	i := 0
	for i < min(len(got), len(want)) && got[i] == want[i] {
		i++
	}
	return fmt.Sprintf(": from number %d on %q for %q", i, got[i:min(len(got), i+10)], want[i:min(len(want), i+10)])
}

// sessionOutboundAcrossCuts: what is unsettled is published again; nothing is
// lost, QoS 2 not doubled, the order kept, and each receipt reported once.
func sessionOutboundAcrossCuts(s *session) {
	if !s.features.Stores {
		s.Skip("the broker does not keep what is half way")
	}
	for qos := byte(1); qos <= s.features.GrantedQoS; qos++ {
		outboundAcrossCuts(s, qos)
	}
}

func outboundAcrossCuts(s *session, qos byte) {
	proxy := kit.NewProxy(s, s.broker.URL.Host)
	at := s.topic(fmt.Sprint("out/", qos))
	to, sink := s.connect(fmt.Sprint("to", qos))
	s.subscribe(to, messages.Desired{Filter: at, QoS: qos})
	k := &keeper{session: s, mqtt: s.client(fmt.Sprint("from", qos), proxy.URL()), sink: NewSink(nil)}
	var want []string
	for i := range cutMessages {
		want = append(want, fmt.Sprint(i))
		k.pending = append(k.pending, messages.Publish{
			Receipt: messages.Receipt(want[i]),
			Message: &messages.Message{Topic: at, Payload: []byte(want[i]), QoS: qos},
		})
	}
	ctx, cancel := context.WithCancel(s.Context())
	var work sync.WaitGroup
	defer work.Wait()
	defer cancel()
	work.Go(func() { cut(ctx, proxy, 40) })
	k.run(func() bool { return len(k.sink.Settled()) >= cutMessages }, func(live actors.Conn, _ func() bool) {
		for i, p := range k.unsettled() {
			if live.Publish(s.Context(), p) != nil {
				return
			}
			if i%20 == 0 {
				time.Sleep(2 * time.Millisecond)
			}
		}
	})
	checkSettledOnce(s, k.sink.Settled(), cutMessages)
	s.eventually("all arrive", func() bool { return len(firsts(sink.Payloads())) == cutMessages })
	got := sink.Payloads()
	if qos == 1 {
		got = firsts(got)
	}
	if !slices.Equal(got, want) {
		s.Fatalf("QoS %d: %d messages came for %d over %d cuts, or out of order%s", qos, len(got), len(want), len(k.sink.Losses()), difference(got, want))
	}
}

// unsettled are the messages whose receipts were not reported, in order.
func (k *keeper) unsettled() []messages.Publish {
	settled := map[messages.Receipt]bool{}
	for _, p := range k.sink.Settled() {
		settled[p.Receipt] = true
	}
	k.pending = slices.DeleteFunc(k.pending, func(p messages.Publish) bool { return settled[p.Receipt] })
	return k.pending
}
