package actors_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
	"chanmqttproxy/test/probe"
)

const (
	v5   = messages.MQTT5
	v311 = messages.MQTT311
)

func TestReconnectsForeverWithCappedDelays(t *testing.T) {
	t.Parallel()
	for _, cause := range []messages.Cause{messages.Network, messages.BadCredentials, messages.ClientIDRefused, messages.TakenOver, messages.BrokerRefused} {
		t.Run(cause.String(), func(t *testing.T) {
			t.Parallel()
			prepare := func(b *bundle, _ *actors.Options) {
				b.broker.Refuse(func(messages.Version) error { return probe.Failure(cause) })
			}
			run(t, prepare, func(b *bundle) {
				b.pass(time.Hour)
				// Between 2.5 and 5 s apart once the delay has grown.
				if n := len(b.broker.Attempts()); n < 720 || n > 1460 {
					b.Errorf("%d attempts in an hour", n)
				}
				if n := b.log.Count("no connection to the MQTT broker"); n != 1 {
					b.Errorf("said %d times: %q", n, b.log.Lines())
				}
				if slices.Contains(b.broker.Attempts(), v311) {
					b.Error("fell back to 3.1.1")
				}
				b.broker.Refuse(nil)
				b.pass(5 * time.Second)
				if !b.broker.Connected() {
					b.Error("not connected 5 s after the broker came back")
				}
			})
		})
	}
}

// lateDial is a broker to which an attempt fails after a while.
type lateDial struct {
	*probe.Broker
	took     time.Duration
	attempts atomic.Int64
}

func (l *lateDial) Dial(ctx context.Context, _ messages.Version, _ actors.Sink) (actors.Conn, error) {
	l.attempts.Add(1)
	select {
	case <-time.After(l.took):
	case <-ctx.Done():
	}
	return nil, probe.Failure(messages.Network)
}

// The pause counts from the beginning of an attempt, so that one which took its time is
// followed by another at once.
func TestAttemptsThatTakeLong(t *testing.T) {
	t.Parallel()
	late := &lateDial{took: 8 * time.Second}
	run(t, func(b *bundle, o *actors.Options) { late.Broker, o.MQTT = b.broker, late }, func(b *bundle) {
		b.pass(801 * time.Second)
		if n := late.attempts.Load(); n != 101 {
			b.Errorf("%d attempts in 801 s", n)
		}
	})
}

func TestEachChangeOfTroubleIsSaidOnce(t *testing.T) {
	t.Parallel()
	prepare := func(b *bundle, _ *actors.Options) {
		b.broker.Refuse(func(messages.Version) error { return probe.Failure(messages.Network) })
	}
	run(t, prepare, func(b *bundle) {
		b.pass(time.Minute)
		b.broker.Refuse(func(messages.Version) error { return probe.Failure(messages.BadCredentials) })
		b.pass(5 * time.Minute)
		b.broker.Refuse(nil)
		b.pass(time.Minute)
		b.broker.Drop(messages.Network)
		b.pass(time.Minute)
		if n := b.log.Count("no connection to the MQTT broker"); n != 3 {
			b.Errorf("said %d times: %q", n, b.log.Lines())
		}
		if n := b.log.Count("connected to the MQTT broker"); n != 2 {
			b.Errorf("connected said %d times: %q", n, b.log.Lines())
		}
	})
}

func TestConnectionThatBreaksAtOnceIsNotRetriedHot(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		for range 20 {
			if b.broker.Connected() {
				b.broker.Drop(messages.TakenOver)
			}
			b.pass(time.Second)
		}
		if n := len(b.broker.Attempts()); n > 12 {
			b.Errorf("%d attempts in 20 s", n)
		}
	})
}

// What can be done about it is said with each failure.
func TestAdvice(t *testing.T) {
	t.Parallel()
	for want, failure := range map[string]messages.ConnectionFailure{
		"give each its own MQTT_CLIENT_ID":  {Cause: messages.TakenOver},
		"unset MQTT_WILL_RETAIN":            {Cause: messages.BrokerRefused, Code: 0x9A},
		"nothing, unless it lasts":          {Cause: messages.BrokerRefused, Code: 0x8B},
		"check the name of the host":        {Detail: messages.NameNotFound},
		"set MQTT_TLS_CA":                   {Detail: messages.UnknownAuthority},
		"set MQTT_TLS_CERT":                 {Cause: messages.BadCredentials, Detail: messages.ClientCertificate},
		"check MQTT_HOST and that the brok": {Cause: messages.BrokerRefused, Code: 0x97},
	} {
		prepare := func(b *bundle, _ *actors.Options) {
			b.broker.Refuse(func(messages.Version) error { return &failure })
		}
		run(t, prepare, func(b *bundle) {
			b.settle()
			if b.log.Count(want) != 1 {
				b.Errorf("of %v it is said %q, want %q", &failure, b.log.Lines(), want)
			}
		})
	}
}

// Most brokers do not say that another client has taken the session.
func TestAdviceOnConnectionsThatBreakAgainAndAgain(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		for i := range 4 {
			if n := b.log.Count("MQTT_CLIENT_ID"); n != max(0, i-2) {
				b.Errorf("after %d losses it is said %d times", i, n)
			}
			b.broker.Drop(messages.Network)
			for !b.broker.Connected() {
				b.pass(time.Second)
			}
		}
	})
}

func TestReconnectSubscribesAndPublishesAgain(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		for i := range 1200 {
			b.layer.Put(subscribe(fmt.Sprintf("t/%d", i), alerts))
		}
		b.settle()
		b.broker.Hold(true)
		var receipts []messages.Receipt
		for i := range 10 {
			receipts = append(receipts, b.layer.Put(publish(fmt.Sprint("out/", i))))
		}
		b.settle()
		packets := len(b.broker.Packets())
		b.broker.Drop(messages.Network)
		b.broker.Hold(false)
		b.pass(time.Second)

		again := b.broker.Packets()[packets:]
		if !slices.Equal(again, []int{500, 500, 200}) {
			b.Errorf("subscribed again in packets of %v", again)
		}
		sent := b.broker.Published()
		if len(sent) != 20 {
			b.Fatalf("published %d times", len(sent))
		}
		for i, r := range receipts {
			if sent[10+i].Receipt != r {
				b.Errorf("publish %d of the second connection is %v, not %v", i, sent[10+i].Receipt, r)
			}
			if !b.layer.Acked(r) {
				b.Errorf("command %v is still in the layer", r)
			}
		}
	})
}

func TestStormOfSubscribesIsBatchedAndLosesNone(t *testing.T) {
	t.Parallel()
	away := func(b *bundle, _ *actors.Options) {
		b.broker.Refuse(func(messages.Version) error { return probe.Failure(messages.Network) })
	}
	run(t, away, func(b *bundle) {
		for i := range 3_000 {
			b.layer.Put(subscribe(fmt.Sprintf("storm/%d", i), alerts))
		}
		b.settle()
		if b.layer.Waiting() != 0 {
			b.Errorf("%d commands were not taken while the broker was away", b.layer.Waiting())
		}
		b.broker.Refuse(nil)
		b.pass(time.Minute)
		if n := len(b.broker.Filters()); n != 3_000 {
			b.Errorf("%d filters", n)
		}
		if n := len(b.broker.Packets()); n != 6 {
			b.Errorf("%d packets", n)
		}
	})
}

func TestRefusedFilterIsReportedForItself(t *testing.T) {
	t.Parallel()
	prepare := func(b *bundle, _ *actors.Options) { b.broker.Deny("secret/#") }
	run(t, prepare, func(b *bundle) {
		b.layer.Put(subscribe("open/#", alerts))
		b.layer.Put(subscribe("secret/#", alerts))
		b.settle()
		if b.tree.Stats().FilterRefused.Load() != 1 || b.log.Count("filter=secret/#") != 1 || b.log.Count("not authorized") != 1 {
			b.Errorf("refused %d, log %q", b.tree.Stats().FilterRefused.Load(), b.log.Lines())
		}
		if _, ok := b.broker.Filters()["open/#"]; !ok {
			b.Error("the other filter was not subscribed")
		}
	})
}

func TestOverlappingFiltersAskForIdentifiersBeforeTheNewOne(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		b.layer.Put(subscribe("a/b", alerts))
		b.layer.Put(subscribe("x/y", alerts))
		b.settle()
		b.layer.Put(subscribe("a/#", alerts))
		b.settle()
		got := b.broker.Filters()
		if !got["a/b"].Overlaps || !got["a/#"].Overlaps || got["x/y"].Overlaps {
			b.Errorf("filters %+v", got)
		}
	})
}

// The filter of the responses to requests overlaps others as any does.
func TestFilterForResponsesOverlaps(t *testing.T) {
	t.Parallel()
	const responses = "chanmqttproxy/response/probe%2F1/+"
	for _, first := range []messages.Command{request("1", time.Minute), subscribe("chanmqttproxy/#", alerts)} {
		run(t, nil, func(b *bundle) {
			for _, c := range []messages.Command{first, subscribe("x/y", alerts), request("2", time.Minute), subscribe("chanmqttproxy/#", alerts)} {
				b.layer.Put(c)
				b.settle()
			}
			got := b.broker.Filters()
			if !got[responses].Overlaps || !got["chanmqttproxy/#"].Overlaps || got["x/y"].Overlaps {
				b.Errorf("%T first: filters %+v", first, got)
			}
		})
	}
}

// A broker may send one copy, with the identifier of the filter that is on its way out.
func TestFiltersThatLeaveOverlap(t *testing.T) {
	t.Parallel()
	prepare := func(b *bundle, o *actors.Options) {
		b.layer.Leave("a/#")
		o.MQTT = &brokerHook{Broker: b.broker, dialed: func(s actors.Conn, _ actors.Sink) actors.Conn { return slowUnsubscribes{s} }}
	}
	run(t, prepare, func(b *bundle) {
		b.layer.Put(subscribe("a/b", alerts))
		b.layer.Put(subscribe("x/y", alerts))
		b.pass(time.Second)
		b.layer.Put(subscribe("a/c", alerts)) // it has left
		b.settle()
		got := b.broker.Filters()
		if !got["a/b"].Overlaps || got["a/c"].Overlaps || got["x/y"].Overlaps || len(got) != 3 {
			b.Errorf("filters %+v", got)
		}
	})
}

func TestUnsubscribeAndSubscribeAgain(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		for range 3 {
			b.layer.Put(subscribe("a", alerts))
			b.layer.Put(messages.UnsubscribeCommand{Filter: "a", Targets: []messages.Target{alerts}})
		}
		b.settle()
		if n := len(b.broker.Filters()); n != 0 {
			b.Errorf("%d filters are left", n)
		}
		b.layer.Put(subscribe("a", alerts))
		b.settle()
		b.broker.Send(message("a", "x"))
		b.settle()
		if got := b.payloads(alerts); !slices.Equal(got, []string{"x"}) {
			b.Errorf("got %q", got)
		}
	})
}

func TestStoppingIsPromptInEveryState(t *testing.T) {
	t.Parallel()
	refuse := func(c messages.Cause) func(*bundle, *actors.Options) {
		return func(b *bundle, _ *actors.Options) {
			b.broker.Refuse(func(messages.Version) error { return probe.Failure(c) })
		}
	}
	for _, c := range []struct {
		name    string
		prepare func(*bundle, *actors.Options)
		before  func(*bundle)
	}{
		{"idle", nil, func(*bundle) {}},
		{"broker away", refuse(messages.Network), func(b *bundle) { b.pass(time.Minute) }},
		{"broker closes without a word", refuse(messages.ProtocolUnclear), func(b *bundle) { b.pass(250 * time.Millisecond) }},
		{"credentials refused", refuse(messages.BadCredentials), func(b *bundle) { b.pass(time.Minute) }},
		{"Redis away", func(b *bundle, _ *actors.Options) { b.layer.Away(true) }, func(b *bundle) { b.pass(time.Minute) }},
		{"commands waiting for the broker", refuse(messages.Network), func(b *bundle) {
			for range 2000 {
				b.layer.Put(publish("out"))
			}
			b.settle()
		}},
		{"messages waiting for Redis", nil, func(b *bundle) {
			b.layer.Put(subscribe("a", alerts))
			b.settle()
			b.layer.Away(true)
			b.broker.Send(message("a", "x"))
			b.pass(time.Minute)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			run(t, c.prepare, func(b *bundle) {
				c.before(b)
				if took := b.stop(); took > time.Second {
					b.Errorf("took %v", took)
				}
			})
		})
	}
}

func TestStoppingFinishesWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		b.layer.Put(subscribe("a", alerts))
		b.settle()
		b.layer.Stick(alerts, true)
		seq := b.broker.Send(message("a", "x"))
		b.settle()
		time.AfterFunc(3*time.Second, func() { b.layer.Stick(alerts, false) })
		took := b.stop()
		if took < 3*time.Second || took > 4*time.Second {
			b.Errorf("took %v", took)
		}
		if !slices.Equal(b.broker.Acked(), []uint64{seq}) {
			b.Errorf("acknowledged %v", b.broker.Acked())
		}
	})
}

func TestWindowPushesBackWhileTheBrokerIsAway(t *testing.T) {
	t.Parallel()
	prepare := func(b *bundle, o *actors.Options) {
		o.Window = 100
		b.broker.Refuse(func(messages.Version) error { return probe.Failure(messages.Network) })
	}
	run(t, prepare, func(b *bundle) {
		var receipts []messages.Receipt
		for i := range 250 {
			receipts = append(receipts, b.layer.Put(publish(fmt.Sprint(i))))
		}
		b.pass(time.Minute)
		if n := b.layer.Waiting(); n != 150 {
			b.Errorf("%d commands left in the layer, want 150", n)
		}
		b.broker.Refuse(nil)
		b.pass(time.Minute)
		for i, p := range b.broker.Published() {
			if p.Receipt != receipts[i] {
				b.Fatalf("publish %d is %v", i, p.Receipt)
			}
		}
		if n := len(b.broker.Published()); n != 250 {
			b.Errorf("published %d", n)
		}
	})
}

func TestBadCommandIsSaidCountedAndGone(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		bad := b.layer.PutBad(errors.New(`mqtt.subscribe: qos: 7 is not 0, 1 or 2`))
		good := b.layer.Put(publish("a"))
		b.settle()
		if !b.layer.Acked(good) || !strings.Contains(b.layer.DeadLetter(bad), "7 is not 0, 1 or 2") {
			b.Errorf("acknowledged: %v, dead letter: %q", b.layer.Acked(good), b.layer.DeadLetter(bad))
		}
		if b.tree.Stats().BadCommands.Load() != 1 || b.log.Count("7 is not 0, 1 or 2") != 1 {
			b.Errorf("log %q", b.log.Lines())
		}
	})
}

func TestStoredWhileDisconnectedIsAcknowledged(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		b.layer.Put(subscribe("a", alerts, lobby))
		b.settle()
		b.layer.Stick(alerts, true)
		seq := b.broker.Send(message("a", "x"))
		b.settle()
		b.broker.Refuse(func(messages.Version) error { return probe.Failure(messages.Network) })
		b.broker.Drop(messages.Network)
		b.pass(time.Second)
		b.layer.Stick(alerts, false)
		b.settle()
		if !slices.Equal(b.broker.Acked(), []uint64{seq}) {
			b.Errorf("acknowledged %v", b.broker.Acked())
		}
	})
}

// A server that does not speak version 5 fails the session with that, and the session is
// restarted at once: no attempt is lost, nothing is said to be away, and whoever watches
// sees the restart and why.
func TestFallBackIsARestart(t *testing.T) {
	t.Parallel()
	prepare := func(b *bundle, _ *actors.Options) {
		refused := false
		b.broker.Refuse(func(messages.Version) error {
			if refused {
				return nil
			}
			refused = true
			return &messages.ConnectionFailure{Doing: "connecting", Cause: messages.ProtocolRefused, Next: messages.MQTT311}
		})
	}
	run(t, prepare, func(b *bundle) {
		if !b.broker.Connected() {
			b.Fatal("the next attempt is not made at once")
		}
		if n := b.log.Count("WARN"); n != 0 || b.log.Count("INFO the MQTT broker seems not to speak") != 1 {
			b.Errorf("logged: %q", b.log.Lines())
		}
		if s := b.tree.Stats(); s.Disconnects.Load() != 0 {
			b.Error("it counts as a failed attempt")
		}
		for _, a := range b.tree.Watch().Actors {
			if a.Kind == "connection" && (a.Restarts != 1 || a.State != messages.StateRunning) {
				b.Errorf("the session as it is seen: %+v", a)
			}
		}
		var events []string
		for _, h := range b.tree.Events(0) {
			if h.Kind == "connection" {
				events = append(events, h.What)
			}
		}
		if want := []string{"started", "failed", "restarted", "connected"}; !slices.Equal(events, want) {
			b.Errorf("the connection's events are %q", events)
		}
	})
}
