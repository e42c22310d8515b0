package conform

import (
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
	s.subscribe(live, messages.Want{Filter: at, QoS: 2})
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
	s.subscribe(live, messages.Want{Filter: at, QoS: 2})
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
}

// run keeps a session until done: on each connection it does what each says.
func (k *keeper) run(done func() bool, each func(live actors.Session)) {
	for deadline := time.Now().Add(60 * time.Second); !done(); {
		if time.Now().After(deadline) {
			k.Fatalf("not done within a minute: %d received, %d settled, %d lost connections",
				len(k.sink.Messages()), len(k.sink.Settled()), len(k.sink.Losses()))
		}
		losses := len(k.sink.Losses())
		live, err := k.mqtt.Dial(k.Context(), k.features.Version, k.sink)
		if err != nil {
			time.Sleep(time.Millisecond) // the proxy was cut within the handshake
			continue
		}
		each(live)
		for !done() && len(k.sink.Losses()) == losses && time.Now().Before(deadline) {
			time.Sleep(time.Millisecond)
		}
		live.Close()
	}
}

// cutter breaks the proxy's connections after some kilobytes, again and again.
func cutter(s *session, proxy *kit.Proxy, times int) (stop func()) {
	end := make(chan struct{})
	var work sync.WaitGroup
	work.Go(func() {
		for range times {
			proxy.CutAfter(500 + rand.IntN(20_000))
			select {
			case <-end:
				return
			case <-time.After(time.Duration(10+rand.IntN(40)) * time.Millisecond):
			}
		}
	})
	return func() { close(end); work.Wait() }
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
	ready := make(chan struct{})
	var once sync.Once
	var work sync.WaitGroup
	from, _ := s.connect(fmt.Sprint("from", qos))
	work.Go(func() {
		<-ready
		for i, payload := range want {
			s.publish(from, payload, messages.Message{Topic: at, Payload: []byte(payload), QoS: qos})
			if i%20 == 0 {
				time.Sleep(2 * time.Millisecond)
			}
		}
	})
	defer work.Wait()
	stop := func() {}
	defer func() { stop() }()
	acked := 0
	k.run(func() bool { return len(firsts(k.sink.Payloads())) == cutMessages && acked >= cutMessages }, func(live actors.Session) {
		once.Do(func() {
			s.subscribe(live, messages.Want{Filter: at, QoS: qos})
			stop = cutter(s, proxy, 40)
			close(ready)
		})
		losses := len(k.sink.Losses())
		for len(k.sink.Losses()) == losses && len(firsts(k.sink.Payloads())) < cutMessages {
			acked = ackShuffled(k.mqtt, k.sink, acked)
		}
		acked = ackShuffled(k.mqtt, k.sink, acked)
	})
	got := k.sink.Payloads()
	if qos == 1 {
		got = firsts(got)
	}
	if !slices.Equal(got, want) {
		s.Fatalf("QoS %d: %d messages came for %d over %d cuts, or out of order", qos, len(got), len(want), len(k.sink.Losses()))
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

// sessionOutboundAcrossCuts: what is unsettled is published again; nothing is
// lost, QoS 2 not doubled, the order kept, and each receipt told of once.
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
	s.subscribe(to, messages.Want{Filter: at, QoS: qos})
	k := &keeper{session: s, mqtt: s.client(fmt.Sprint("from", qos), proxy.URL()), sink: NewSink(nil)}
	var want []string
	for i := range cutMessages {
		want = append(want, fmt.Sprint(i))
		k.pending = append(k.pending, messages.Publish{
			Receipt: messages.Receipt(want[i]),
			Message: &messages.Message{Topic: at, Payload: []byte(want[i]), QoS: qos},
		})
	}
	stop := cutter(s, proxy, 40)
	defer func() { stop() }()
	k.run(func() bool { return len(k.sink.Settled()) >= cutMessages }, func(live actors.Session) {
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
		s.Fatalf("QoS %d: %d messages came for %d over %d cuts, or out of order", qos, len(got), len(want), len(k.sink.Losses()))
	}
}

// unsettled are the messages whose receipts were not told of, in order.
func (k *keeper) unsettled() []messages.Publish {
	settled := map[messages.Receipt]bool{}
	for _, p := range k.sink.Settled() {
		settled[p.Receipt] = true
	}
	k.pending = slices.DeleteFunc(k.pending, func(p messages.Publish) bool { return settled[p.Receipt] })
	return k.pending
}
