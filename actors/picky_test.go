package actors_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
)

// picky is a session with a broker that does not take every SUBSCRIBE.
type picky struct {
	actors.Conn
	sink   actors.Sink
	reject func([]messages.Desired) rejection
}

// rejection is what the broker does instead of an answer.
type rejection byte

const (
	takes rejection = iota
	hangUp
	stayMute
)

// Subscribe implements the port.
func (p picky) Subscribe(ctx context.Context, filters []messages.Desired) ([]byte, error) {
	switch p.reject(filters) {
	case hangUp:
		p.sink.Lost(&messages.ConnectionFailure{Doing: "keeping the connection", Closed: true, Err: io.EOF})
		<-ctx.Done()
		return nil, ctx.Err()
	case stayMute:
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Minute):
			return nil, context.DeadlineExceeded
		}
	}
	return p.Conn.Subscribe(ctx, filters)
}

// rejects has the broker of a test reject SUBSCRIBEs.
func rejects(b *bundle, o *actors.Options, reject func([]messages.Desired) rejection) {
	o.MQTT = &brokerHook{Broker: b.broker, dialed: func(live actors.Conn, sink actors.Sink) actors.Conn {
		return picky{live, sink, reject}
	}}
}

// secrets rejects what has a secret in it.
func secrets(how rejection) func([]messages.Desired) rejection {
	return func(filters []messages.Desired) rejection {
		for _, w := range filters {
			if strings.HasPrefix(w.Filter, "secret") {
				return how
			}
		}
		return takes
	}
}

// One filter that the broker does not take costs only those who asked for it.
func TestOneBadFilterCostsNoOther(t *testing.T) {
	t.Parallel()
	for how, want := range map[rejection]struct{ kind, code string }{hangUp: {"closed", "refused"}, stayMute: {"silent", "timeout"}} {
		prepare := func(b *bundle, o *actors.Options) {
			rejects(b, o, secrets(how))
			for i := range 499 {
				b.layer.Keep(messages.Stored{Filter: fmt.Sprintf("t/%d", i), Target: alerts})
			}
			o.Static = []messages.SubscribeCommand{subscribe("secret/static", lobby)}
		}
		run(t, prepare, func(b *bundle) {
			b.pass(15 * time.Second)
			if n := len(b.broker.Filters()); n != 499 {
				b.Errorf("%v: the broker has %d filters, want 499", want, n)
			}
			if got := b.layer.Refused(); len(got) != 1 || got["secret/static"] != want.kind {
				b.Errorf("kept is %v, want %s", got, want.kind)
			}
			if h := b.tree.Health(); !h.Subscribed || h.Refused != 1 || h.Held != 499 {
				b.Errorf("%v: the health is %+v", want, h)
			}
			attempts := len(b.broker.Attempts())
			b.layer.Put(asking("1", "secret/x", alerts))
			b.layer.Put(asking("2", "new", alerts))
			b.pass(15 * time.Second)
			kinds := map[string]answer{}
			for _, a := range b.answers() {
				kinds[a.id] = a
			}
			if kinds["1"].code == "" || kinds["2"] != (answer{"mqtt.subscribed", "2", ""}) {
				b.Errorf("%v: answers %v", want, b.answers())
			}
			for _, name := range []string{"secret/static", "secret/x"} {
				if n := b.log.Count("filter=" + name); n != 1 {
					b.Errorf("%v: %s is named %d times in the log: %q", want, name, n, b.log.Lines())
				}
			}
			if n := len(b.broker.Attempts()); how == hangUp && n > attempts+4 || how == stayMute && n != 1 {
				b.Errorf("%v: %d connections, then %d", want, attempts, n)
			}
			if n := b.log.Count("MQTT_CLIENT_ID"); n > 0 {
				b.Errorf("%v: the advice misleads: %q", want, b.log.Lines())
			}
		})
	}
}

// The next process knows what was refused: that is not asked for with the others, but
// alone, after a while, or when somebody asks.
func TestRefusalsAreKnownAfterARestart(t *testing.T) {
	t.Parallel()
	var allowed atomic.Bool
	reject := func(filters []messages.Desired) rejection {
		if allowed.Load() {
			return takes
		}
		return secrets(hangUp)(filters)
	}
	for _, asked := range []string{"", "with a reply", "without"} {
		allowed.Store(false)
		prepare := func(b *bundle, o *actors.Options) {
			rejects(b, o, reject)
			b.layer.Keep(messages.Stored{Filter: "secret/x", Target: alerts}, messages.Stored{Filter: "ok", Target: alerts})
			_, _ = b.layer.Write(t.Context(), []messages.Change{
				{Refusal: &messages.FilterRefusal{Filter: "secret/x", Kind: "closed"}}, {Refusal: &messages.FilterRefusal{Filter: "unwanted", Kind: "closed"}},
			})
		}
		run(t, prepare, func(b *bundle) {
			b.pass(2 * time.Minute)
			if n := len(b.broker.Attempts()); n != 1 || len(b.broker.Filters()) != 1 || len(b.layer.Refused()) != 1 {
				b.Errorf("%d connections, the broker has %v, kept is %v", n, b.broker.Filters(), b.layer.Refused())
			}
			allowed.Store(true)
			switch asked {
			case "with a reply":
				b.layer.Put(asking("1", "secret/x", lobby))
				b.pass(time.Second)
				b.expectAnswers(answer{"mqtt.subscribed", "1", ""})
			case "without":
				b.layer.Put(subscribe("secret/x", alerts))
				b.pass(time.Second)
			default:
				b.pass(5 * time.Minute)
			}
			if len(b.broker.Filters()) != 2 || len(b.layer.Refused()) != 0 || b.tree.Health().Refused != 0 {
				b.Errorf("asked %q: the broker has %v, kept is %v", asked, b.broker.Filters(), b.layer.Refused())
			}
		})
	}
}

// A site whose pages ask again and again for what costs the connection does not cost it
// each time.
func TestAskingAgainCostsLittle(t *testing.T) {
	t.Parallel()
	prepare := func(b *bundle, o *actors.Options) { rejects(b, o, secrets(hangUp)) }
	run(t, prepare, func(b *bundle) {
		b.layer.Put(subscribe("ok", alerts))
		for i := range 60 {
			b.layer.Put(asking(fmt.Sprint(i), "secret", alerts))
			b.pass(time.Second)
		}
		b.pass(10 * time.Second)
		if n := len(b.broker.Attempts()); n > 8 {
			b.Errorf("%d connections in a minute", n)
		}
		for _, a := range b.answers() {
			if a.code != "refused" {
				b.Errorf("answered %v", a)
			}
		}
		if n := len(b.answers()); n != 60 {
			b.Errorf("%d answers", n)
		}
	})
}

// Publishes are not lost, nor taken to be what the broker closes on.
func TestPublishesOutliveTheSearch(t *testing.T) {
	t.Parallel()
	prepare := func(b *bundle, o *actors.Options) { rejects(b, o, secrets(hangUp)) }
	run(t, prepare, func(b *bundle) {
		for i := range 3 {
			b.layer.Put(subscribe(fmt.Sprint("secret/", i), alerts))
		}
		var receipts []messages.Receipt
		for i := range 100 {
			receipts = append(receipts, b.layer.Put(publish(fmt.Sprint("out/", i))))
			b.pass(50 * time.Millisecond)
		}
		b.pass(5 * time.Second)
		for i, r := range receipts {
			if !b.layer.Acked(r) || b.layer.DeadLetter(r) != "" {
				b.Errorf("publish %d did not take effect", i)
			}
		}
		if len(b.layer.Refused()) != 3 {
			b.Errorf("refused are %v", b.layer.Refused())
		}
	})
}
