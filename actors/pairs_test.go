package actors_test

import (
	"strings"
	"testing"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
)

// Commands add so many subscriptions and no more. What is there can change its options,
// and what leaves makes room.
func TestSubscriptionsAreBounded(t *testing.T) {
	t.Parallel()
	stats := &actors.Stats{}
	run(t, func(b *bundle, o *actors.Options) { o.MaxSubscriptions, o.Stats = 3, stats }, func(b *bundle) {
		subscribed, refused := "mqtt.subscribed", answer{"mqtt.error", "", messages.CodeRefused}
		want := []answer{}
		try := func(c messages.Command, kind string) {
			b.Helper()
			b.layer.Put(c)
			if kind == "" {
				want = append(want, refused)
			} else {
				want = append(want, answer{kind, "", ""})
			}
			b.expectAnswers(want...)
		}
		try(asking("", "a", alerts), subscribed)
		try(asking("", "b", alerts, lobby), subscribed)
		try(asking("", "c", alerts), "")
		try(asking("", "a", alerts, lobby), "") // as a whole
		again := asking("", "a", alerts)
		again.Options.QoS = 2
		try(again, subscribed)
		try(messages.UnsubscribeCommand{Filter: "b", Targets: []messages.Target{lobby}, ReplyTo: answerTo("")}, "mqtt.unsubscribed")
		try(asking("", "c", alerts), subscribed)
		try(asking("", "d", alerts), "")
		reason, _ := b.layer.Sent(asker)[len(want)-1].Body.Get("reason")
		if text, _ := reason.(string); !strings.Contains(text, "there are 3 subscriptions") || !strings.Contains(text, "MQTT_MAX_SUBSCRIPTIONS is 3") {
			b.Errorf("the reason is %v", reason)
		}
		if pairs, refusals := stats.Pairs.Load(), stats.TooMany.Load(); pairs != 3 || refusals != 3 {
			b.Errorf("%d pairs, %d refused", pairs, refusals)
		}
		if said := b.log.Count("further subscriptions are refused"); said != 2 {
			b.Errorf("it was said %d times", said)
		}
	})
	if n := stats.Pairs.Load(); n != 0 {
		t.Errorf("%d pairs are left", n)
	}
}

// What was stored, or is configured, is there in any case.
func TestOldSubscriptionsAreNotRefused(t *testing.T) {
	t.Parallel()
	stats := &actors.Stats{}
	run(t, func(b *bundle, o *actors.Options) {
		o.MaxSubscriptions, o.Stats = 1, stats
		o.Static = []messages.SubscribeCommand{subscribe("static", alerts)}
		for _, filter := range []string{"a", "b"} {
			b.layer.Keep(messages.Stored{Filter: filter, Target: alerts, Options: messages.Options{QoS: 1}})
		}
	}, func(b *bundle) {
		b.layer.Put(asking("1", "c", alerts))
		b.expectAnswers(answer{"mqtt.error", "1", messages.CodeRefused})
		if n := len(b.broker.Filters()); n != 3 || stats.Pairs.Load() != 3 {
			b.Errorf("subscribed to %v", b.broker.Filters())
		}
	})
}
