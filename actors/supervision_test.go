package actors_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
	"chanmqttproxy/test/probe"
)

// broken makes any actor that handles it panic: it has no message.
func broken(seq uint64) messages.Delivery {
	return messages.Delivery{Token: messages.Token{Seq: seq, QoS: 1}, Weight: messages.Whole}
}

const (
	routerPath       = "bridge/router"
	subscriptionPath = "bridge/router/subscription:a~1"
)

func TestBugCostsOneMessageAndNothingElse(t *testing.T) {
	t.Parallel()
	for _, path := range []string{routerPath, subscriptionPath} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			run(t, nil, func(b *bundle) {
				b.layer.Put(subscribe("a", crowd(alerts)...))
				b.layer.Put(subscribe("b", lobby))
				b.settle()
				b.broker.Send(message("a", "0"))
				b.settle()
				b.tree.Send(path, broken(1000))
				b.broker.Send(message("a", "1"))
				b.broker.Send(message("b", "2"))
				b.settle()
				if one, two := b.payloads(alerts), b.payloads(lobby); !slices.Equal(one, []string{"0", "1"}) || !slices.Equal(two, []string{"2"}) {
					b.Errorf("the groups got %q and %q", one, two)
				}
				if !slices.Contains(b.broker.Acked(), 1000) {
					b.Error("the message would come again, forever")
				}
				if n := b.tree.Stats().Bugs.Load(); n != 1 {
					b.Errorf("%d bugs counted", n)
				}
			})
		})
	}
}

func TestSubscriptionThatFailsAgainAndAgainStartsAfresh(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		b.layer.Put(subscribe("a", crowd(alerts)...))
		b.settle()
		b.broker.Send(message("a", "first"))
		b.settle()
		want := []string{"first"}
		for i := range 40 {
			b.tree.Send(subscriptionPath, broken(uint64(1000+i)))
			want = append(want, fmt.Sprint(i))
			b.broker.Send(message("a", fmt.Sprint(i)))
		}
		b.settle()
		if got := b.payloads(alerts); !slices.Equal(got, want) {
			b.Errorf("got %q", got)
		}
		if n := len(b.broker.Acked()); n != 81 {
			b.Errorf("acknowledged %d of 81", n)
		}
	})
}

func TestRouterThatFailsAgainAndAgainEndsTheWorker(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		for i := range 20 {
			b.tree.Send(routerPath, broken(uint64(i)))
		}
		select {
		case <-b.tree.Done():
		case <-time.After(time.Minute):
			b.Fatal("it goes on")
		}
		if b.tree.Err() == nil {
			b.Error("no error")
		}
		b.expectFailure = true
	})
}

func TestBugInDialingIsAFailedAttempt(t *testing.T) {
	t.Parallel()
	prepare := func(b *bundle, _ *actors.Options) {
		b.broker.Refuse(func(messages.Version) error { panic("a bug") })
	}
	run(t, prepare, func(b *bundle) {
		b.pass(time.Minute)
		b.broker.Refuse(nil)
		b.pass(time.Minute)
		if !b.broker.Connected() || b.tree.Stats().Bugs.Load() == 0 {
			b.Errorf("connected: %v, log %q", b.broker.Connected(), b.log.Lines())
		}
	})
}

// strangeLog has whoever logs a message that its receiver has no use for panic.
type strangeLog struct{ *probe.Log }

// Enabled implements slog.Handler.
func (strangeLog) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements slog.Handler.
func (l strangeLog) Handle(ctx context.Context, r slog.Record) error {
	if strings.HasPrefix(r.Message, "unhandled message") {
		panic("a bug in the bridge")
	}
	return l.Log.Handle(ctx, r)
}

// The root has a guardian: some bugs cost it messages, and too many end the worker with
// an error that names it and the bug.
func TestBridgeThatFailsAgainAndAgainEndsTheWorker(t *testing.T) {
	t.Parallel()
	prepare := func(b *bundle, o *actors.Options) { o.Log = slog.New(strangeLog{b.log}) }
	run(t, prepare, func(b *bundle) {
		for range 10 {
			b.tree.Send("bridge", "nothing that it knows")
		}
		b.settle()
		b.layer.Put(subscribe("a", alerts))
		b.settle()
		b.broker.Send(message("a", "1"))
		b.settle()
		if got := b.payloads(alerts); !slices.Equal(got, []string{"1"}) {
			b.Fatalf("after ten bugs the group got %q", got)
		}
		b.tree.Send("bridge", "nothing that it knows")
		select {
		case <-b.tree.Done():
		case <-time.After(time.Minute):
			b.Fatal("it goes on")
		}
		if err := b.tree.Err(); err == nil || !strings.Contains(err.Error(), "bridge") || !strings.Contains(err.Error(), "a bug in the bridge") {
			b.Errorf("the worker ended with %v", err)
		}
		b.expectFailure = true
	})
}

// noHosts is a layer whose hosts cannot be told: what asks for them is the commands actor, as it starts.
type noHosts struct{ actors.Layer }

// Hosts panics.
func (noHosts) Hosts() []string { panic("a bug at the start") }

// An actor that could not start is not resumed with half of what it needs: the worker ends
// with an error that names it.
func TestActorThatCannotStartEndsTheWorker(t *testing.T) {
	t.Parallel()
	prepare := func(b *bundle, o *actors.Options) { o.Layer = noHosts{b.layer} }
	run(t, prepare, func(b *bundle) {
		select {
		case <-b.tree.Done():
		case <-time.After(time.Minute):
			b.Fatal("it goes on")
		}
		if err := b.tree.Err(); err == nil || !strings.Contains(err.Error(), "starting bridge/commands: ") || !strings.Contains(err.Error(), "a bug at the start") {
			b.Errorf("the worker ended with %v", err)
		}
		b.expectFailure = true
	})
}

// A subscription or a fanout has state that nobody else has, unless it is starting.
func TestWhatIsDoneAfterBugs(t *testing.T) {
	t.Parallel()
	times := func(n int, f actors.Failure) []actors.Failure { return slices.Repeat([]actors.Failure{f}, n) }
	for name, c := range map[string]struct {
		failures []actors.Failure
		first    string
		last     string
	}{
		"a bug":                        {times(1, actors.Failure{}), "resume", "resume"},
		"ten":                          {times(10, actors.Failure{}), "resume", "resume"},
		"eleven":                       {times(11, actors.Failure{}), "resume", "restart"},
		"twelve":                       {times(12, actors.Failure{}), "resume", "resume"},
		"at the start":                 {times(1, actors.Failure{Start: true}), "restart", "restart"},
		"ten times at the start":       {times(10, actors.Failure{Start: true}), "restart", "restart"},
		"at the start again and again": {times(11, actors.Failure{Start: true}), "restart", "resume"},
		"by hand, which is no bug":     {times(20, actors.Failure{Hand: true}), "restart", "restart"},
	} {
		got := actors.AfterBugs(c.failures)
		if len(got) != len(c.failures) || got[0] != c.first || got[len(got)-1] != c.last {
			t.Errorf("%s: %q", name, got)
		}
	}
}
