package conform

import (
	"context"
	"errors"
	"testing"
	"time"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
)

// SessionPort is MQTT as the actors see it, and its other side: a broker that speaks MQTT 5,
// and keeps the session.
type SessionPort struct {
	actors.MQTT
	// Denied is a filter, and a topic, that the broker refuses.
	Denied string
	// Publish has another client publish.
	Publish func(topic, payload string, retain bool)
	// Sent are the topics of what was published by the worker.
	Sent func() []string
	// Drop breaks the connection. Away has the broker not be there.
	Drop, Away func()
}

// SessionPortSuite runs what each implementation of the port has to do, those of tests too, so
// that what is tested with one holds with the other. What only a broker can show is in Session.
func SessionPortSuite(t *testing.T, open func(t *testing.T) SessionPort) {
	for name, test := range map[string]func(*sessionPort){
		"dial":        (*sessionPort).dialled,
		"dial ended":  (*sessionPort).dialEnded,
		"away":        (*sessionPort).away,
		"subscribe":   (*sessionPort).subscribes,
		"unsubscribe": (*sessionPort).unsubscribes,
		"retained":    (*sessionPort).retained,
		"publish":     (*sessionPort).publishes,
		"lost":        (*sessionPort).isLost,
		"closed":      (*sessionPort).isClosed,
		"numbers":     (*sessionPort).numbers,
		"ended":       (*sessionPort).ended,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(&sessionPort{session: &session{T: t, features: SessionFeatures{Version: messages.MQTT5}}, SessionPort: open(t)})
		})
	}
}

// sessionPort is what one test works with.
type sessionPort struct {
	*session
	SessionPort
}

// up connects; sink acknowledges what comes.
func (s *sessionPort) up() (actors.Conn, *Sink) {
	s.Helper()
	sink := NewSink(s.MQTT)
	return s.dial(s.MQTT, sink), sink
}

// typed checks that an error is one that the supervisor can read.
func (s *sessionPort) typed(err error) {
	s.Helper()
	var failure *messages.ConnectionFailure
	if !errors.As(err, &failure) {
		s.Errorf("%v is no failure of the session", err)
	}
}

// over is a context that has ended.
func over() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func (s *sessionPort) dialled() {
	first, _ := s.up()
	if i := first.Info(); i.Version != messages.MQTT5 || i.ClientID == "" || i.Broker == "" || i.Present {
		s.Errorf("at first %+v", i)
	}
	first.Close()
	second, _ := s.up()
	if i := second.Info(); !i.Present || i.ClientID != first.Info().ClientID {
		s.Errorf("then %+v", i)
	}
}

func (s *sessionPort) dialEnded() {
	live, err := s.Dial(over(), messages.MQTT5, NewSink(nil))
	if live != nil {
		s.Error("a connection, though the context has ended")
	}
	s.typed(err)
}

func (s *sessionPort) away() {
	s.Away()
	live, err := s.Dial(s.Context(), messages.MQTT5, NewSink(nil))
	if live != nil {
		s.Error("a connection to a broker that is not there")
	}
	s.typed(err)
}

func (s *sessionPort) subscribes() {
	live, sink := s.up()
	codes, err := live.Subscribe(s.Context(), []messages.Desired{{Filter: "a/+", QoS: 1}, {Filter: s.Denied, QoS: 1}, {Filter: "b", QoS: 0}})
	if err != nil || len(codes) != 3 || codes[0] != 1 || codes[1] < 0x80 || codes[2] != 0 {
		s.Fatalf("codes %v, %v", codes, err)
	}
	s.Publish("c", "nobody's", false)
	s.Publish("a/1", "one", false)
	s.Publish("b", "two", false)
	s.eventually("both have come", func() bool { return sink.Count() >= 2 })
	for i, want := range []string{"a/1", "b"} {
		if got := sink.Messages()[i]; got.Message.Topic != want || got.Message.QoS != codes[2*i] || got.Message.Retain || got.Seq != uint64(i+1) {
			s.Errorf("%d: %+v", got.Seq, got.Message)
		}
	}
}

func (s *sessionPort) unsubscribes() {
	live, sink := s.up()
	s.subscribe(live, messages.Desired{Filter: "a", QoS: 1}, messages.Desired{Filter: "b", QoS: 1})
	if err := live.Unsubscribe(s.Context(), []string{"a", "never"}); err != nil {
		s.Fatal(err)
	}
	s.Publish("a", "left", false)
	s.Publish("b", "stays", false)
	s.eventually("one has come", func() bool { return sink.Count() > 0 })
	if got := sink.Payloads(); len(got) != 1 || got[0] != "stays" {
		s.Errorf("received %q", got)
	}
}

func (s *sessionPort) retained() {
	s.Publish("r/1", "kept", true)
	live, sink := s.up()
	s.subscribe(live, messages.Desired{Filter: "r/#", QoS: 1})
	s.Publish("r/2", "live", false)
	s.eventually("the live one has come", func() bool { return sink.Count() > 0 })
	s.subscribe(live, messages.Desired{Filter: "r/#", QoS: 1, Retained: true})
	s.eventually("the retained one has come", func() bool { return sink.Count() > 1 })
	s.subscribe(live, messages.Desired{Filter: "r/#", QoS: 1, Retained: true})
	s.eventually("it has come again", func() bool { return sink.Count() > 2 })
	for i, m := range sink.Messages() {
		if m.Message.Retain != (i > 0) || m.Message.Retain != (string(m.Message.Payload) == "kept") {
			s.Errorf("%d: %+v", i, m.Message)
		}
	}
}

func (s *sessionPort) publishes() {
	live, sink := s.up()
	for qos, receipt := range []string{"0", "1", "2"} {
		s.publish(live, receipt, messages.Message{Topic: "out/" + receipt, QoS: byte(qos), Payload: []byte("x")})
	}
	s.publish(live, "denied", messages.Message{Topic: s.Denied, QoS: 1, Payload: []byte("x")})
	s.eventually("all are settled", func() bool { return len(sink.Settled()) >= 4 })
	for _, p := range sink.Settled() {
		if refused := p.Code >= 0x80; refused != (p.Receipt == "denied") || refused && p.Reason == "" {
			s.Errorf("%+v", p)
		}
	}
	s.eventually("the broker has three", func() bool { return len(s.Sent()) >= 3 })
}

// useless checks that a connection does nothing any more.
func (s *sessionPort) useless(live actors.Conn, sink *Sink) {
	s.Helper()
	_, err := live.Subscribe(s.Context(), []messages.Desired{{Filter: "late", QoS: 1}})
	if err == nil {
		s.Error("a subscribe on a connection that is no more")
	}
	if err := live.Unsubscribe(s.Context(), []string{"late"}); err == nil {
		s.Error("an unsubscribe on a connection that is no more")
	}
	if err := live.Publish(s.Context(), messages.Publish{Receipt: "late", Message: &messages.Message{Topic: "late", QoS: 1}}); err == nil {
		s.Error("a publish on a connection that is no more")
	}
	if n := len(sink.Settled()); n > 0 {
		s.Errorf("%d are settled", n)
	}
	live.Close()
	live.Close()
}

func (s *sessionPort) isLost() {
	live, sink := s.up()
	s.Drop()
	s.eventually("the loss is reported", func() bool { return len(sink.Losses()) > 0 })
	s.useless(live, sink)
	if losses := sink.Losses(); len(losses) != 1 {
		s.Errorf("lost %v", losses)
	}
	s.typed(sink.Losses()[0])
}

func (s *sessionPort) isClosed() {
	live, sink := s.up()
	live.Close()
	s.useless(live, sink)
	time.Sleep(10 * time.Millisecond)
	if losses := sink.Losses(); len(losses) > 0 {
		s.Errorf("lost %v", losses)
	}
}

// numbers go on over connections.
func (s *sessionPort) numbers() {
	live, sink := s.up()
	s.subscribe(live, messages.Desired{Filter: "a", QoS: 1})
	s.Publish("a", "one", false)
	s.eventually("one has come", func() bool { return sink.Count() == 1 })
	live.Close()
	_, sink = s.up()
	s.Publish("a", "two", false)
	s.eventually("the next has come", func() bool { return sink.Count() == 1 })
	if n := sink.Messages()[0].Seq; n != 2 {
		s.Errorf("the second is number %d", n)
	}
}

func (s *sessionPort) ended() {
	live, _ := s.up()
	if codes, err := live.Subscribe(over(), []messages.Desired{{Filter: "a", QoS: 1}}); err == nil {
		s.Errorf("subscribed, though the context has ended: %v", codes)
	}
}
