package conform

import (
	"fmt"
	"reflect"
	"slices"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

func sessionSubscribe(s *session) {
	live, sink := s.connect("a")
	filters := make([]messages.Desired, 1200)
	for i := range filters {
		filters[i] = messages.Desired{Filter: s.topic(fmt.Sprint(i)), QoS: byte(i % 3)}
	}
	filters[7].Filter = s.topic("a/#/b") // not valid: mosquitto would hang up
	codes, err := live.Subscribe(s.Context(), filters)
	if err != nil {
		s.Fatal(err)
	}
	for i, code := range codes {
		want := min(filters[i].QoS, s.features.GrantedQoS)
		if (i == 7 && code < 0x80) || (i != 7 && code != want) {
			s.Fatalf("filter %d of QoS %d was answered 0x%02x", i, filters[i].QoS, code)
		}
	}
	s.publish(live, "r", messages.Message{Topic: s.topic("1199"), Payload: []byte("x")})
	s.eventually("the last filter brings a message", func() bool { return len(sink.Messages()) == 1 })
}

func sessionSubscribeRefused(s *session) {
	if s.features.Refused == "" {
		s.Skip("the broker refuses no filter")
	}
	live, _ := s.connect("a")
	codes, err := live.Subscribe(s.Context(), []messages.Desired{
		{Filter: s.topic("a")}, {Filter: s.features.Refused}, {Filter: s.topic("b"), QoS: 1},
	})
	if err != nil {
		s.Fatal(err)
	}
	if codes[0] != 0 || codes[1] < 0x80 || codes[2] != 1 {
		s.Fatalf("the answers are % x, want the second alone to be a refusal", codes)
	}
}

func sessionUnsubscribe(s *session) {
	live, sink := s.connect("a")
	s.subscribe(live, messages.Desired{Filter: s.topic("a"), QoS: 1}, messages.Desired{Filter: s.topic("b"), QoS: 1})
	if err := live.Unsubscribe(s.Context(), []string{s.topic("a"), s.topic("never")}); err != nil {
		s.Fatal(err)
	}
	s.publish(live, "1", messages.Message{Topic: s.topic("a"), Payload: []byte("a"), QoS: 1})
	s.publish(live, "2", messages.Message{Topic: s.topic("b"), Payload: []byte("b"), QoS: 1})
	s.eventually("the other filter stays", func() bool { return len(sink.Payloads()) > 0 })
	if got := sink.Payloads(); !slices.Equal(got, []string{"b"}) {
		s.Fatalf("received %q after the filter was given up", got)
	}
}

// orderMessages is how many messages of one QoS must keep their order.
const orderMessages = 2000

func sessionOrder(s *session) {
	for qos := byte(0); qos <= 2; qos++ {
		from, told := s.connect(fmt.Sprint("from", qos))
		to, sink := s.connect(fmt.Sprint("to", qos))
		at := s.topic(fmt.Sprint("order/", qos))
		s.subscribe(to, messages.Desired{Filter: at, QoS: qos})
		var want []string
		for i := range orderMessages {
			want = append(want, fmt.Sprint(i))
			s.publish(from, fmt.Sprint(i), messages.Message{Topic: at, Payload: []byte(want[i]), QoS: qos})
			if qos == 0 && i%500 == 499 { // a broker may drop what it cannot pass on
				s.eventually(fmt.Sprintf("%d messages of QoS %d arrive", i+1, qos), func() bool { return sink.Count() == i+1 })
			}
		}
		s.eventually(fmt.Sprintf("all of QoS %d arrive", qos), func() bool { return sink.Count() >= orderMessages })
		s.eventually("all receipts are settled", func() bool { return len(told.Settled()) >= orderMessages })
		if got := sink.Payloads(); !slices.Equal(got, want) {
			s.Fatalf("QoS %d is out of order", qos)
		}
		checkSettledOnce(s, told.Settled(), orderMessages)
		checkDeliveries(s, sink.Messages(), min(qos, s.features.GrantedQoS))
	}
}

func checkSettledOnce(s *session, all []messages.Published, n int) {
	s.Helper()
	seen := map[messages.Receipt]bool{}
	for _, p := range all {
		if p.Code >= 0x80 {
			s.Fatalf("receipt %q was refused: %s", p.Receipt, p.Reason)
		}
		if seen[p.Receipt] {
			s.Fatalf("receipt %q was reported twice", p.Receipt)
		}
		seen[p.Receipt] = true
	}
	if len(seen) != n {
		s.Fatalf("%d receipts were reported, want %d", len(seen), n)
	}
}

func checkDeliveries(s *session, all []Received, qos byte) {
	s.Helper()
	for i, r := range all {
		if r.Seq != uint64(i+1) || r.Message.QoS != qos || r.Message.Retain {
			s.Fatalf("delivery %d has seq %d, QoS %d, retain %v", i+1, r.Seq, r.Message.QoS, r.Message.Retain)
		}
	}
}

func sessionEmpty(s *session) {
	live, sink := s.connect("a")
	s.subscribe(live, messages.Desired{Filter: s.topic("a"), QoS: 1})
	s.publish(live, "1", messages.Message{Topic: s.topic("a"), QoS: 1})
	s.eventually("an empty payload arrives", func() bool { return len(sink.Messages()) == 1 })
	m := sink.Messages()[0].Message
	if len(m.Payload) != 0 || s.withoutCount(m.Properties, nil) != nil {
		s.Fatalf("an empty message arrived with %d bytes and properties %v", len(m.Payload), m.Properties)
	}
}

// sessionRetained: retained messages are not asked for where one can choose, and
// marked where not.
func sessionRetained(s *session) {
	live, sink := s.connect("a")
	at := s.topic("retained")
	s.publish(live, "1", messages.Message{Topic: at, Payload: []byte("old"), QoS: 1, Retain: true})
	s.eventually("the retained message is stored", func() bool { return len(sink.Settled()) == 1 })
	s.subscribe(live, messages.Desired{Filter: at, QoS: 1})
	want := []string{"old", "new"}
	if s.features.Version == messages.MQTT5 {
		want = want[1:]
	} else {
		s.eventually("the replay arrives", func() bool { return len(sink.Messages()) == 1 })
	}
	s.publish(live, "2", messages.Message{Topic: at, Payload: []byte("new"), QoS: 1, Retain: true})
	s.eventually("the live message arrives", func() bool { return len(sink.Messages()) >= len(want) })
	if got := sink.Payloads(); !slices.Equal(got, want) {
		s.Fatalf("received %q, want %q", got, want)
	}
	for _, r := range sink.Messages() {
		if r.Message.Retain != (string(r.Message.Payload) == "old") {
			s.Fatalf("%q has retain %v", r.Message.Payload, r.Message.Retain)
		}
	}
	s.publish(live, "3", messages.Message{Topic: at, QoS: 1, Retain: true}) // clean up
}

// sessionRetainedAgain: who is subscribed already gets the retained messages by
// asking again, and under MQTT 5 only then. Nobody else does.
func sessionRetainedAgain(s *session) {
	live, sink := s.connect("a")
	other, others := s.connect("b")
	at := s.topic("again")
	filter := s.topic("+")
	if s.features.ReplaysExactOnly {
		filter = at
	}
	want := messages.Desired{Filter: filter, QoS: 1}
	s.subscribe(live, want)
	s.subscribe(other, want)
	for i, from := range []actors.Conn{live, other} { // both SUBSCRIBEs are done with
		s.publish(from, fmt.Sprint(i), messages.Message{Topic: at, Payload: []byte("plain"), QoS: 1})
	}
	s.eventually("the plain messages arrive", func() bool { return sink.Count() == 2 && others.Count() == 2 })
	s.publish(live, "kept", messages.Message{Topic: at, Payload: []byte("kept"), QoS: 1, Retain: true})
	s.eventually("the live message arrives", func() bool { return sink.Count() == 3 && others.Count() == 3 })
	s.eventually("the retained message is stored", func() bool { return len(sink.Settled()) == 2 })
	replays := 0
	for range 2 {
		s.subscribe(live, want)
		if s.features.Version == messages.MQTT311 {
			replays++
		}
		asked := want
		asked.Retained = true
		s.subscribe(live, asked)
		replays++
		s.eventually("the replay arrives", func() bool { return sink.Count() >= 3+replays })
	}
	s.publish(live, "clear", messages.Message{Topic: at, QoS: 1, Retain: true})
	s.eventually("the last message arrives", func() bool { return sink.Count() >= 4+replays && others.Count() >= 4 })
	for i, r := range sink.Messages() {
		if replay := i > 2 && i <= 2+replays; r.Message.Retain != replay || replay && string(r.Message.Payload) != "kept" {
			s.Fatalf("message %d of %d is %q with retain %v", i, sink.Count(), r.Message.Payload, r.Message.Retain)
		}
	}
	if n := others.Count(); n != 4 {
		s.Fatalf("another session got %d messages", n)
	}
}

func sessionNoLocal(s *session) {
	if s.features.Version != messages.MQTT5 {
		s.Skip("MQTT 3.1.1 has no such option")
	}
	live, sink := s.connect("a")
	other, _ := s.connect("b")
	s.subscribe(live, messages.Desired{Filter: s.topic("a"), QoS: 1, NoLocal: true})
	s.publish(live, "1", messages.Message{Topic: s.topic("a"), Payload: []byte("own"), QoS: 1})
	s.publish(other, "2", messages.Message{Topic: s.topic("a"), Payload: []byte("other"), QoS: 1})
	s.eventually("the other's message arrives", func() bool { return len(sink.Messages()) > 0 })
	if got := sink.Payloads(); !slices.Equal(got, []string{"other"}) {
		s.Fatalf("received %q with no local", got)
	}
}

// sessionOverlap: every identifier of the filters that match is told, however many
// copies the broker sends.
func sessionOverlap(s *session) {
	if s.features.Version != messages.MQTT5 {
		s.Skip("MQTT 3.1.1 has no identifiers")
	}
	live, sink := s.connect("a")
	filters := []string{s.topic("+/x"), s.topic("o/#"), s.topic("other/#")}
	s.subscribe(live,
		messages.Desired{Filter: filters[0], QoS: 1, Overlaps: true},
		messages.Desired{Filter: filters[1], QoS: 1, Overlaps: true},
		messages.Desired{Filter: s.topic("plain"), QoS: 1},
		messages.Desired{Filter: filters[2], QoS: 1, Overlaps: true},
	)
	s.publish(live, "1", messages.Message{Topic: s.topic("o/x"), Payload: []byte("both"), QoS: 1})
	s.publish(live, "2", messages.Message{Topic: s.topic("plain"), Payload: []byte("none"), QoS: 1})
	s.eventually("all copies arrive", func() bool { return len(sink.Messages()) == s.features.Copies+1 })
	var got []uint32
	for _, r := range sink.Messages() {
		if string(r.Message.Payload) == "none" && len(r.Identifiers) != 0 {
			s.Fatalf("a filter without an identifier brought %v", r.Identifiers)
		}
		got = append(got, r.Identifiers...)
	}
	want := []uint32{topic.Identifier(filters[0]), topic.Identifier(filters[1])}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		s.Fatalf("the identifiers are %v, want %v", got, want)
	}
}

// sessionProperties: each property goes through as it was set, alone and with
// all others; under 3.1.1, which has none, the message goes without.
func sessionProperties(s *session) {
	live, sink := s.connect("a")
	s.subscribe(live, messages.Desired{Filter: s.topic("a"), QoS: 1})
	expiry, bytes, text := uint32(1000), byte(0), byte(1)
	users := []messages.UserProperty{{Key: "k", Value: "1"}, {Key: "a", Value: ""}, {Key: "", Value: "ä"}, {Key: "k", Value: "2"}, {Key: "k", Value: "1"}}
	all := []*messages.Properties{
		{
			ContentType: "text/plain", ResponseTopic: "answers", CorrelationData: []byte{0, 1, 2},
			UserProperties: users, MessageExpiry: &expiry, PayloadFormat: &text,
		},
		{PayloadFormat: &bytes},
		{PayloadFormat: &text},
		{ContentType: "text/plain"},
		{ResponseTopic: "answers"},
		{CorrelationData: []byte{0}},
		{UserProperties: users},
		{MessageExpiry: &expiry},
		nil,
	}
	for i, p := range all {
		s.publish(live, fmt.Sprint(i), messages.Message{Topic: s.topic("a"), Payload: []byte("x"), QoS: 1, Properties: p})
	}
	s.eventually("the messages arrive", func() bool { return len(sink.Messages()) == len(all) })
	for i, want := range all {
		if s.features.Version == messages.MQTT311 {
			want = nil
		}
		if got := s.withoutCount(sink.Messages()[i].Message.Properties, want); !reflect.DeepEqual(got, want) {
			s.Errorf("the properties are %+v, want %+v", got, want)
		}
	}
}

// withoutCount undoes what a broker may do to the expiry: it counts it down
// [MQTT-3.3.2-6], or adds one.
func (s *session) withoutCount(got, want *messages.Properties) *messages.Properties {
	if got == nil || got.MessageExpiry == nil {
		return got
	}
	undone := *got
	switch {
	case want != nil && want.MessageExpiry != nil && *got.MessageExpiry > *want.MessageExpiry-30:
		undone.MessageExpiry = want.MessageExpiry
	case s.features.AddsExpiry:
		undone.MessageExpiry = nil
	}
	if reflect.DeepEqual(undone, messages.Properties{}) {
		return nil
	}
	return &undone
}
