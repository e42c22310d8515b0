package actors_test

import (
	"testing"
	"time"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
)

// An answer is no message that may be dropped: its command would never be done.
func TestAnswerIsNotDroppedFromAFullBacklog(t *testing.T) {
	t.Parallel()
	prepare := func(_ *bundle, o *actors.Options) { o.GroupBacklog = 1 }
	run(t, prepare, func(b *bundle) {
		b.layer.Put(subscribe("a", asker))
		r := b.layer.Put(request("1", time.Minute))
		b.settle()
		b.layer.Stick(asker, true)
		b.broker.Send(message("a", "is being written"))
		b.settle()
		p := b.broker.Published()[0].Message.Properties
		b.broker.Send(messages.Message{Topic: p.ResponseTopic, Payload: []byte("42")}) // QoS 0
		b.settle()
		for range 3 {
			b.broker.Send(messages.Message{Topic: "a", Payload: []byte("x")})
		}
		b.settle()
		b.layer.Stick(asker, false)
		b.pass(time.Second)
		b.expectAnswers(answer{"mqtt.response", "1", ""})
		if !b.layer.Acked(r) {
			b.Error("never done")
		}
	})
}
