package conform

import (
	"context"
	"errors"
	"net"
	"net/url"
	"sync"
	"time"

	"chanmqttproxy/messages"
)

// waitLimit is for what takes moments, on a busy machine too, and without bound or a
// keep-alive of half a minute where something is wrong.
const waitLimit = 15 * time.Second

func sessionCleanSession(s *session) {
	mqtt := s.driver(SessionClient{ID: s.prefix, Server: s.broker.URL, KeepAlive: 30})
	live := s.dial(mqtt, NewSink(nil))
	s.subscribe(live, messages.Desired{Filter: s.topic("a"), QoS: 1})
	live.Close()
	if live = s.dial(mqtt, NewSink(nil)); live.Info().Present {
		s.Fatal("the broker kept a clean session")
	}
}

func sessionTakenOver(s *session) {
	_, sink := s.connect("a")
	second, other := s.connect("a")
	s.eventually("the first connection is lost", func() bool { return len(sink.Losses()) > 0 })
	want := messages.Network
	if s.features.TellsTakenOver {
		want = messages.TakenOver
	}
	checkLost(s, sink, want)
	s.publish(second, "1", messages.Message{Topic: s.topic("x"), QoS: 1})
	s.eventually("the second connection works", func() bool { return len(other.Settled()) == 1 })
}

// checkLost: the sink was told once, and why.
func checkLost(s *session, sink *Sink, want messages.Cause) {
	s.Helper()
	losses := sink.Losses()
	var failure *messages.ConnectionFailure
	if len(losses) != 1 || !errors.As(losses[0], &failure) || failure.Cause != want {
		s.Fatalf("the sink was told %v, want one failure because of %q", losses, want)
	}
}

// sessionCancelled: nothing goes on when its context has ended.
func sessionCancelled(s *session) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.Fatal(err)
	}
	defer silent.Close()
	ctx, cancel := context.WithCancel(s.Context())
	defer time.AfterFunc(50*time.Millisecond, cancel).Stop()
	start := time.Now()
	_, err = s.client("a", &url.URL{Scheme: "mqtt", Host: silent.Addr().String()}).Dial(ctx, s.features.Version, NewSink(nil))
	var failure *messages.ConnectionFailure
	if !errors.As(err, &failure) || failure.Cause != messages.Network || !errors.Is(err, context.Canceled) {
		s.Fatalf("connecting failed with %v, want a network failure by the context", err)
	}
	if took := time.Since(start); took > waitLimit {
		s.Fatalf("connecting went on for %v", took)
	}

	live, sink := s.connect("b")
	if _, err := live.Subscribe(ctx, []messages.Desired{{Filter: s.topic("a")}}); err != nil && !errors.Is(err, context.Canceled) {
		s.Fatalf("subscribing failed with %v", err)
	}
	s.publish(live, "1", messages.Message{Topic: s.topic("a"), QoS: 1})
	s.eventually("the connection works on", func() bool { return len(sink.Settled()) == 1 })
}

func sessionClose(s *session) {
	live, sink := s.connect("a")
	s.subscribe(live, messages.Desired{Filter: s.topic("a"), QoS: 2})
	var work sync.WaitGroup
	for i := range 3 {
		work.Go(func() {
			for live.Publish(s.Context(), messages.Publish{
				Message: &messages.Message{Topic: s.topic("a"), Payload: []byte("x"), QoS: byte(i)},
			}) == nil {
			}
		})
	}
	s.eventually("messages flow", func() bool { return len(sink.Messages()) > 50 })
	start := time.Now()
	work.Go(live.Close)
	live.Close()
	work.Wait()
	if took := time.Since(start); took > waitLimit {
		s.Fatalf("closing took %v", took)
	}
	if _, err := live.Subscribe(s.Context(), []messages.Desired{{Filter: s.topic("b")}}); err == nil {
		s.Fatal("subscribing worked after Close")
	}
	if losses := sink.Losses(); len(losses) != 0 {
		s.Fatalf("after Close the sink was told %v", losses)
	}
}

func sessionKill(s *session) {
	if s.broker.Kill == nil {
		s.Skip("the broker cannot be killed")
	}
	live, sink := s.connect("a")
	s.broker.Kill()
	s.eventually("the loss is told", func() bool { return len(sink.Losses()) > 0 })
	if err := live.Publish(s.Context(), messages.Publish{Receipt: "1", Message: &messages.Message{Topic: s.topic("a"), QoS: 1}}); err == nil {
		s.Fatal("publishing worked without a broker")
	}
	live.Close()
	checkLost(s, sink, messages.Network)
	_, err := s.client("a", s.broker.URL).Dial(s.Context(), s.features.Version, NewSink(nil))
	var failure *messages.ConnectionFailure
	if !errors.As(err, &failure) || failure.Cause != messages.Network {
		s.Fatalf("connecting failed with %v, want a network failure", err)
	}
}

// sessionFreeze: a silent broker is noticed within one and a half keep-alives, and
// closing does not wait for it.
func sessionFreeze(s *session) {
	if s.broker.Freeze == nil {
		s.Skip("the broker cannot be frozen")
	}
	const keepAlive = 2
	sink := NewSink(nil)
	watched := s.dial(s.driver(SessionClient{ID: s.prefix + "w", Server: s.broker.URL, KeepAlive: keepAlive}), sink)
	closed, _ := s.connect("c")
	s.broker.Freeze()
	frozen := time.Now()
	for range 100 { // more than the sockets hold
		ctx, cancel := context.WithTimeout(s.Context(), 20*time.Millisecond)
		err := closed.Publish(ctx, messages.Publish{Message: &messages.Message{Topic: s.topic("a"), Payload: make([]byte, 100_000)}})
		cancel()
		if err != nil {
			break
		}
	}
	start := time.Now()
	closed.Close()
	if took := time.Since(start); took > waitLimit {
		s.Fatalf("closing took %v with a frozen broker", took)
	}
	s.eventually("the silence is noticed", func() bool { return len(sink.Losses()) > 0 })
	if took := time.Since(frozen); took > waitLimit {
		s.Fatalf("a silent broker was noticed after %v with a keep-alive of %d s", took, keepAlive)
	}
	watched.Close()
	checkLost(s, sink, messages.Network)
}
