package actors_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
)

func request(id string, timeout time.Duration) messages.RequestCommand {
	return messages.RequestCommand{
		Message: &messages.Message{Topic: "device/get", QoS: 1, Properties: &messages.Properties{ContentType: "x"}},
		Timeout: timeout, ReplyTo: answerTo(id),
	}
}

// respond plays a device that answers the last request.
func (b *bundle) respond(payload string) {
	b.Helper()
	sent := b.broker.Published()
	if len(sent) == 0 {
		b.Fatal("nothing was published")
	}
	p := sent[len(sent)-1].Message.Properties
	m := message(p.ResponseTopic, payload)
	m.Properties = &messages.Properties{CorrelationData: p.CorrelationData}
	b.broker.Send(m)
	b.settle()
}

func TestRequestIsAnsweredByItsResponse(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		b.layer.Put(subscribe("#", alerts))
		first := b.layer.Put(request("1", time.Minute))
		b.settle()
		p := b.broker.Published()[0].Message.Properties
		if _, ok := b.broker.Filters()["chanmqttproxy/response/probe%2F1/+"]; !ok {
			b.Errorf("filters %v", b.broker.Filters())
		}
		if p.ContentType != "x" || p.MessageExpiry == nil || *p.MessageExpiry != 60 || len(p.CorrelationData) == 0 {
			b.Errorf("published with %+v", p)
		}
		if b.layer.Acked(first) {
			b.Error("done before its response came")
		}
		b.respond("42")
		b.respond("43") // nobody waits any more
		b.layer.Put(request("2", time.Minute))
		b.settle()
		b.respond("44")
		b.expectAnswers(answer{"mqtt.response", "1", ""}, answer{"mqtt.response", "2", ""})
		if got := b.payloads(asker); !slices.Equal(got, []string{"42", "44"}) {
			b.Errorf("responses %q", got)
		}
		if got := b.payloads(alerts); !slices.Equal(got, []string{"42", "43", "44"}) {
			b.Errorf("a subscriber of everything got %q", got)
		}
		if !b.layer.Acked(first) || len(b.broker.Acked()) != 3 {
			b.Errorf("done %v, acknowledged %v", b.layer.Acked(first), b.broker.Acked())
		}
	})
}

func TestRequestThatNobodyAnswers(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		r := b.layer.Put(request("1", 10*time.Second))
		b.pass(9 * time.Second)
		b.expectAnswers()
		b.pass(time.Second)
		b.expectAnswers(answer{"mqtt.error", "1", "timeout"})
		b.respond("late")
		b.pass(time.Minute)
		b.expectAnswers(answer{"mqtt.error", "1", "timeout"})
		if !b.layer.Acked(r) {
			b.Error("never done")
		}
	})
}

// What nobody waits for any more is not to surprise a device.
func TestRequestThatIsTooOldIsNotPublished(t *testing.T) {
	t.Parallel()
	away := func(b *bundle, _ *actors.Options) {
		b.broker.Refuse(func(messages.Version) error { return errors.New("away") })
	}
	run(t, away, func(b *bundle) {
		before := b.layer.Put(request("1", 10*time.Second))
		b.pass(20 * time.Second)
		b.broker.Refuse(nil)
		b.pass(time.Minute)
		b.layer.Put(request("2", time.Minute)) // the filter is granted from here on
		b.settle()
		b.broker.Refuse(func(messages.Version) error { return errors.New("away") })
		b.broker.Drop(messages.Network)
		b.pass(time.Second)
		after := b.layer.Put(request("3", 10*time.Second))
		b.pass(20 * time.Second)
		b.broker.Refuse(nil)
		b.pass(time.Minute)
		for _, r := range []messages.Receipt{before, after} {
			if !b.layer.Acked(r) {
				b.Errorf("%s is not done", r)
			}
		}
		if n := len(b.broker.Published()); n != 1 {
			b.Errorf("%d requests were published", n)
		}
	})
}

func TestRequestNeedsMQTT5(t *testing.T) {
	t.Parallel()
	old := func(_ *bundle, o *actors.Options) { o.Version = v311 }
	run(t, old, func(b *bundle) {
		b.pass(time.Second)
		b.layer.Put(request("1", time.Minute))
		b.expectAnswers(answer{"mqtt.error", "1", "unsupported"})
	})
}

func TestRequestWhereTheBrokerAllowsNoResponses(t *testing.T) {
	t.Parallel()
	const filter = "chanmqttproxy/response/probe%2F1/+"
	deny := func(b *bundle, _ *actors.Options) { b.broker.Deny(filter) }
	run(t, deny, func(b *bundle) {
		b.layer.Put(request("1", time.Minute))
		b.expectAnswers(answer{"mqtt.error", "1", "refused"})
		b.broker.Allow(filter)
		b.layer.Put(request("2", time.Minute))
		b.settle()
		b.respond("42")
		b.expectAnswers(answer{"mqtt.error", "1", "refused"}, answer{"mqtt.response", "2", ""})
	})
}

func TestStoppingDoesNotWaitForResponses(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		r := b.layer.Put(request("1", time.Hour))
		b.settle()
		if took := b.stop(); took > time.Second {
			b.Errorf("stopping took %v", took)
		}
		b.expectAnswers(answer{"mqtt.error", "1", "timeout"})
		if !b.layer.Acked(r) {
			b.Error("the next worker would publish it again")
		}
	})
}

// A device that answers at once must find somebody who listens.
func TestRequestWaitsForItsFilterOnANewSession(t *testing.T) {
	t.Parallel()
	var release chan struct{}
	prepare := func(b *bundle, o *actors.Options) {
		release = make(chan struct{})
		dials := 0
		o.MQTT = &brokerHook{Broker: b.broker, dialed: func(s actors.Conn, _ actors.Sink) actors.Conn {
			if dials++; dials == 1 {
				return s
			}
			return slowSubscribes{s, release}
		}}
		b.broker.Forgetful()
	}
	run(t, prepare, func(b *bundle) {
		b.layer.Put(request("1", time.Minute))
		b.settle()
		b.respond("42")
		b.broker.Drop(messages.Network)
		b.pass(time.Second)
		b.layer.Put(request("2", time.Minute))
		b.settle()
		if n := len(b.broker.Published()); n != 1 {
			b.Errorf("%d requests are published before the filter is granted", n)
		}
		close(release)
		b.settle()
		b.respond("43")
		b.expectAnswers(answer{"mqtt.response", "1", ""}, answer{"mqtt.response", "2", ""})
	})
}

// slowSubscribes is a connection on which SUBSCRIBEs wait.
type slowSubscribes struct {
	actors.Conn
	release chan struct{}
}

func (s slowSubscribes) Subscribe(ctx context.Context, filters []messages.Desired) ([]byte, error) {
	select {
	case <-s.release:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return s.Conn.Subscribe(ctx, filters)
}

// A request that is on its way to its actor when the stop begins does not hold the
// stop up.
func TestRequestThatComesWithTheStop(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		b.broker.Hold(true)
		b.layer.Put(publish("holds up the stop"))
		b.settle()
		b.tree.Shutdown()
		b.settle()
		b.execute(request("1", time.Hour))
		b.settle()
		if n := b.tree.Stats().Timeouts.Load(); n != 1 {
			b.Errorf("%d requests were given up", n)
		}
		if n := len(b.broker.Published()); n != 1 {
			b.Errorf("%d messages were published", n)
		}
	})
}

func TestRefusedRequestIsForgotten(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		b.broker.RefusePublish("device/get", 0x87)
		for range 5 {
			b.layer.Put(request("1", time.Hour))
		}
		b.settle()
		if n := len(b.answers()); n != 5 {
			b.Errorf("%d answers", n)
		}
		b.pass(2 * time.Hour)
		if n := b.tree.Stats().Timeouts.Load(); n != 0 {
			b.Errorf("%d requests waited for responses", n)
		}
	})
}

// Requests that nobody answers hold up no other commands.
func TestTooManyRequests(t *testing.T) {
	t.Parallel()
	small := func(_ *bundle, o *actors.Options) { o.Window = 6 }
	run(t, small, func(b *bundle) {
		for _, id := range []string{"1", "2", "3", "4"} {
			b.layer.Put(request(id, time.Hour))
		}
		b.expectAnswers(answer{"mqtt.error", "4", "busy"})
		b.layer.Put(publish("a"))
		b.settle()
		if n := len(b.broker.Published()); n != 4 {
			b.Errorf("%d messages were published, want three requests and a publish", n)
		}
	})
}
