package actors_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
	"chanmqttproxy/test/probe"
)

func TestStateBeforeTheFirstAttempt(t *testing.T) {
	t.Parallel()
	hang := func(b *bundle, o *actors.Options) { o.MQTT = &slowDial{b.broker} }
	run(t, hang, func(b *bundle) {
		began := time.Now()
		b.pass(time.Second)
		b.layer.Put(messages.StatusCommand{ReplyTo: answerTo("1")})
		b.settle()
		since, _ := b.layer.Sent(asker)[0].Body.Get("since")
		if want := float64(began.UnixMilli()) / 1000; since != want {
			b.Errorf("away since %v, want %v", since, want)
		}
	})
}

// slowDial is a broker that does not answer.
type slowDial struct{ *probe.Broker }

func (s *slowDial) Dial(ctx context.Context, _ messages.Version, _ actors.Sink) (actors.Conn, error) {
	<-ctx.Done()
	return nil, probe.Failure(messages.Network)
}

// A connection that a bug has cost is lost all the same.
func TestStateAfterABugInTheSession(t *testing.T) {
	t.Parallel()
	watchers := messages.Target{Kind: messages.Group, Name: "watchers"}
	var sink actors.Sink
	prepare := func(b *bundle, o *actors.Options) {
		o.StatusGroup = watchers.Name
		o.MQTT = &brokerHook{Broker: b.broker, dialed: func(s actors.Conn, k actors.Sink) actors.Conn { sink = k; return s }}
	}
	run(t, prepare, func(b *bundle) {
		b.broker.Refuse(func(messages.Version) error { return errors.New("away") })
		sink.Lost(errors.New("no failure of a session"))
		b.pass(time.Minute)
		b.broker.Refuse(nil)
		b.pass(time.Minute)
		b.statusWas(watchers, true, false, true)
	})
}

// TestEachKindOfFailureIsLoggedOnce: also one that comes after another, with what to do.
func TestEachKindOfFailureIsLoggedOnce(t *testing.T) {
	t.Parallel()
	kinds := []messages.ConnectionFailure{
		{Doing: "connecting", Detail: messages.ConnectionRefused},
		{Doing: "connecting", Detail: messages.OtherName},
		{Doing: "connecting", Cause: messages.BrokerRefused, Code: 0x89},
		{Doing: "connecting", Cause: messages.BrokerRefused, Code: 0x97},
	}
	attempt := 0
	refuse := func(messages.Version) error {
		f := kinds[attempt/2%len(kinds)] // each twice, and all again
		attempt++
		return &f
	}
	run(t, func(b *bundle, _ *actors.Options) { b.broker.Refuse(refuse) }, func(b *bundle) {
		b.pass(10 * time.Minute)
		if attempt < 4*len(kinds) {
			b.Fatalf("%d attempts", attempt)
		}
		for _, words := range []string{"no connection to the MQTT broker; trying again", "connection refused", "certificate of another host", "server busy", "quota exceeded", "a name that the broker's certificate is for"} {
			if n := b.log.Count(words); n != 1 {
				b.Errorf("%q is said %d times: %q", words, n, b.log.Lines())
			}
		}
	})
}

// statusWas checks what the status group got.
func (b *bundle) statusWas(group messages.Target, want ...bool) {
	b.Helper()
	var got []bool
	for _, e := range b.layer.Sent(group) {
		connected, _ := e.Body.Get("connected")
		got = append(got, connected.(bool))
	}
	if !slices.Equal(got, want) {
		b.Errorf("the status group got connected %v, want %v", got, want)
	}
}
