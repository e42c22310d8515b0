package actors_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
)

// asker is a consumer that wants answers.
var asker = messages.Target{Kind: messages.Channel, Name: "specific.abc!1"}

func answerTo(id string) messages.ReplyTo { return messages.ReplyTo{Channel: asker.Name, ID: id} }

// asking is subscribe with an answer.
func asking(id, filter string, targets ...messages.Target) messages.SubscribeCommand {
	c := subscribe(filter, targets...)
	c.ReplyTo = answerTo(id)
	return c
}

// answer is one answer in short: its type, id, and code if it has one.
type answer struct{ kind, id, code string }

// answers are those that the asker got, in order.
func (b *bundle) answers() []answer {
	var got []answer
	for _, e := range b.layer.Sent(asker) {
		if e.Body != nil {
			got = append(got, answer{text(e.Body, "type"), text(e.Body, "id"), text(e.Body, "code")})
		}
	}
	return got
}

func text(m messages.Map, key string) string {
	v, _ := m.Get(key)
	s, _ := v.(string)
	return s
}

// expectAnswers checks all answers so far.
func (b *bundle) expectAnswers(want ...answer) {
	b.Helper()
	b.settle()
	if got := b.answers(); !slices.Equal(got, want) {
		b.Errorf("answers %v, want %v", got, want)
	}
}

func TestEachCommandIsAnsweredOnce(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		unsubscribe := messages.UnsubscribeCommand{Filter: "a", Targets: []messages.Target{alerts}, ReplyTo: answerTo("3")}
		published := publish("t")
		published.ReplyTo = answerTo("4")
		var receipts []messages.Receipt
		for _, c := range []messages.Command{
			asking("1", "a", alerts), asking("2", "a", alerts), unsubscribe, published,
			messages.StatusCommand{ReplyTo: answerTo("5")}, asking("", "b", alerts),
		} {
			receipts = append(receipts, b.layer.Put(c))
			b.settle()
		}
		b.expectAnswers(answer{"mqtt.subscribed", "1", ""}, answer{"mqtt.subscribed", "2", ""}, answer{"mqtt.unsubscribed", "3", ""},
			answer{"mqtt.published", "4", ""}, answer{"mqtt.state", "5", ""}, answer{"mqtt.subscribed", "", ""})
		b.pass(time.Minute)
		if n := len(b.answers()); n != len(receipts) {
			b.Errorf("%d answers to %d commands", n, len(receipts))
		}
		for _, r := range receipts {
			if !b.layer.Acked(r) {
				b.Errorf("command %s is not done", r)
			}
		}
	})
}

func TestAnswerToASubscribeSaysWhatWasGranted(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		high := subscribe("a", lobby)
		high.Options.QoS = 2
		b.layer.Put(high)
		b.layer.Put(asking("1", "a", alerts, asker))
		b.settle()
		body := b.layer.Sent(asker)[0].Body
		want := messages.Map{
			{Key: "type", Value: "mqtt.subscribed"}, {Key: "id", Value: "1"}, {Key: "command", Value: "mqtt.subscribe"},
			{Key: "topic", Value: "a"}, {Key: "group", Value: "alerts"}, {Key: "channel", Value: asker.Name}, {Key: "qos", Value: int64(1)},
		}
		if !slices.Equal(body, want) {
			b.Errorf("answered %v", body)
		}
	})
}

func TestRefusedFilterIsAnErrorEachTime(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		b.broker.Deny("secret")
		b.layer.Put(asking("1", "secret", alerts))
		b.settle()
		b.layer.Put(asking("2", "secret", lobby))
		b.settle()
		b.broker.Allow("secret")
		b.layer.Put(asking("3", "secret", lobby))
		b.expectAnswers(answer{"mqtt.error", "1", "refused"}, answer{"mqtt.error", "2", "refused"}, answer{"mqtt.subscribed", "3", ""})
	})
}

func TestRefusedPublishIsNeverASuccess(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		b.broker.RefusePublish("denied", 0x87)
		b.broker.RefusePublish("large", 0x95)
		for _, topic := range []string{"denied", "large", "fine"} {
			c := publish(topic)
			c.ReplyTo = answerTo(topic)
			b.layer.Put(c)
			b.settle()
		}
		b.expectAnswers(answer{"mqtt.error", "denied", "refused"}, answer{"mqtt.error", "large", "too-large"}, answer{"mqtt.published", "fine", ""})
	})
}

func TestSubscribeIsAnsweredInTimeWhileTheBrokerIsAway(t *testing.T) {
	t.Parallel()
	away := func(b *bundle, _ *actors.Options) {
		b.broker.Refuse(func(messages.Version) error { return errors.New("away") })
	}
	run(t, away, func(b *bundle) {
		r := b.layer.Put(asking("1", "a", alerts))
		b.pass(9 * time.Second)
		b.expectAnswers()
		b.pass(time.Second)
		b.expectAnswers(answer{"mqtt.error", "1", "timeout"})
		if !b.layer.Acked(r) || len(b.layer.Stored()) != 1 {
			b.Error("the subscription was not kept")
		}
		b.broker.Refuse(nil)
		b.pass(time.Minute)
		if _, ok := b.broker.Filters()["a"]; !ok {
			b.Error("it did not take effect later")
		}
		b.expectAnswers(answer{"mqtt.error", "1", "timeout"})
	})
}

func TestUnsubscribedBeforeTheBrokerAnswers(t *testing.T) {
	t.Parallel()
	away := func(b *bundle, _ *actors.Options) {
		b.broker.Refuse(func(messages.Version) error { return errors.New("away") })
	}
	run(t, away, func(b *bundle) {
		b.layer.Put(asking("1", "a", alerts))
		b.settle()
		b.layer.Put(messages.UnsubscribeCommand{Filter: "a", Targets: []messages.Target{alerts}})
		b.expectAnswers(answer{"mqtt.error", "1", "unsubscribed"})
	})
}

func TestBadInputIsAnswered(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		r := b.layer.PutReceived(messages.Received{
			Fault: errors.New("qos: must be 0, 1 or 2"), Code: "bad-value", Type: "mqtt.subscribe", ReplyTo: answerTo("9"),
		})
		b.expectAnswers(answer{"mqtt.error", "9", "bad-value"})
		if b.layer.DeadLetter(r) == "" {
			b.Error("it is not among the dead letters")
		}
	})
}

// A command whose answer has not reached the layer would be answered again by
// the next worker.
func TestCommandIsDoneOnceItsAnswerIsWritten(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		b.layer.Stick(asker, true)
		r := b.layer.Put(asking("1", "a", alerts))
		b.pass(time.Second)
		if b.layer.Acked(r) {
			b.Error("done before the answer was written")
		}
		b.layer.Stick(asker, false)
		b.pass(time.Second)
		if !b.layer.Acked(r) {
			b.Error("never done")
		}
	})
}

func TestAnswerWaitsForRoom(t *testing.T) {
	t.Parallel()
	full := func(b *bundle, _ *actors.Options) { b.layer.Room(asker.String(), 0) }
	run(t, full, func(b *bundle) {
		r := b.layer.Put(asking("1", "a", alerts))
		b.pass(time.Second)
		if !b.layer.Acked(r) {
			b.Error("a full queue holds up the command")
		}
		b.layer.Room(asker.String(), 5)
		b.pass(time.Second)
		b.expectAnswers(answer{"mqtt.subscribed", "1", ""})
	})
}

func TestAllowLists(t *testing.T) {
	t.Parallel()
	prepare := func(b *bundle, o *actors.Options) {
		o.AllowSubscribe, o.AllowPublish = []string{"a/#", "b"}, []string{"cmd/+"}
		b.layer.Keep(messages.Stored{Filter: "old/x", Target: alerts}, messages.Stored{Filter: "a/1", Target: alerts})
	}
	run(t, prepare, func(b *bundle) {
		b.layer.Put(asking("1", "#", alerts))
		b.layer.Put(asking("2", "a/+/c", alerts))
		b.layer.Put(asking("3", "chanmqttproxy/response/x/+", alerts))
		for _, topic := range []string{"cmd/x", "cmd/x/y"} {
			c := publish(topic)
			c.ReplyTo = answerTo(topic)
			b.layer.Put(c)
		}
		b.settle()
		got := b.answers()
		for _, want := range []answer{
			{"mqtt.error", "1", "denied"}, {"mqtt.subscribed", "2", ""}, {"mqtt.error", "3", "denied"},
			{"mqtt.published", "cmd/x", ""}, {"mqtt.error", "cmd/x/y", "denied"},
		} {
			if !slices.Contains(got, want) {
				b.Errorf("no %v among %v", want, got)
			}
		}
		if n := len(b.broker.Published()); n != 1 {
			b.Errorf("%d messages were published", n)
		}
		filters := b.broker.Filters()
		if len(filters) != 2 {
			b.Errorf("the broker has %v", filters)
		}
		for _, s := range b.layer.Stored() {
			if s.Filter == "old/x" {
				b.Error("a subscription that is not allowed any more is still stored")
			}
		}
	})
}

func TestStateIsTold(t *testing.T) {
	t.Parallel()
	watchers := messages.Target{Kind: messages.Group, Name: "watchers"}
	prepare := func(_ *bundle, o *actors.Options) { o.StatusGroup = watchers.Name }
	run(t, prepare, func(b *bundle) {
		b.pass(time.Second)
		b.broker.Refuse(func(messages.Version) error { return errors.New("away") })
		b.broker.Drop(messages.Network)
		b.pass(time.Minute)
		b.broker.Refuse(nil)
		b.pass(time.Minute)
		b.statusWas(watchers, true, false, true)
	})
}

func TestStaticSubscriptionsStay(t *testing.T) {
	t.Parallel()
	prepare := func(_ *bundle, o *actors.Options) {
		o.Static = []messages.SubscribeCommand{subscribe("s", lobby)}
		o.SubscriptionIdle = time.Minute
	}
	run(t, prepare, func(b *bundle) {
		b.layer.Dead(lobby, true)
		b.layer.Put(messages.UnsubscribeCommand{Filter: "s", Targets: []messages.Target{lobby}, ReplyTo: answerTo("1")})
		b.layer.Put(subscribe("s", lobby, alerts)) // stored now, and dropped when idle
		b.pass(time.Hour)
		b.expectAnswers(answer{"mqtt.error", "1", "denied"})
		b.broker.Send(message("s", "1"))
		b.settle()
		if got := b.payloads(lobby); !slices.Equal(got, []string{"1"}) {
			b.Errorf("got %q", got)
		}
		for _, s := range b.layer.Stored() {
			if s.Target == lobby {
				b.Error("it is stored")
			}
		}
	})
}

// A worker whose configuration has it no more must find out what to leave.
func TestStaticSubscriptionIsMarkedAtTheBroker(t *testing.T) {
	t.Parallel()
	static := func(_ *bundle, o *actors.Options) { o.Static = []messages.SubscribeCommand{subscribe("s", lobby)} }
	run(t, static, func(b *bundle) {
		if got := b.layer.Leaving(); !slices.Equal(got, []string{"s"}) {
			b.Errorf("marked as leaving: %q", got)
		}
	})
}

// What changed while the broker was unreachable may have been published with QoS 0.
func TestStaticSubscriptionGetsRetainedMessagesAtEachConnection(t *testing.T) {
	t.Parallel()
	prepare := func(b *bundle, o *actors.Options) {
		s := subscribe("s", lobby)
		s.Retained = true
		o.Static = []messages.SubscribeCommand{s}
		b.broker.Retain(message("s", "1"))
	}
	run(t, prepare, func(b *bundle) {
		b.pass(time.Minute)
		b.broker.Drop(messages.Network)
		b.broker.Retain(message("s", "2"))
		b.pass(time.Minute)
		if got := b.payloads(lobby); !slices.Equal(got, []string{"1", "2"}) {
			b.Errorf("got %q", got)
		}
	})
}
