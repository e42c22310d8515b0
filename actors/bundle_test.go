package actors_test

import (
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
	"chanmqttproxy/test/probe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bundle is a running tree between two stand-ins.
type bundle struct {
	*testing.T
	layer  *probe.Layer
	broker *probe.Broker
	log    *probe.Log
	tree   actors.Solo

	expectFailure bool // the tree is to end with an error
}

// run starts a tree in a bubble, in which time passes only when everybody
// waits, hands it to the test, and stops it. Prepare may change what the tree
// finds at its start.
func run(t *testing.T, prepare func(*bundle, *actors.Options), test func(*bundle)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bundle{T: t, layer: probe.NewLayer(), broker: probe.NewBroker(), log: &probe.Log{}}
		o := actors.Options{Layer: b.layer, MQTT: b.broker, Log: slog.New(b.log)}
		if prepare != nil {
			prepare(b, &o)
		}
		b.tree = actors.Start(o)
		synctest.Wait()
		test(b)
		b.stop()
	})
}

// stop shuts the tree down and checks that nothing of it is left.
func (b *bundle) stop() time.Duration {
	b.Helper()
	began := time.Now()
	b.tree.Shutdown()
	<-b.tree.Done()
	if err := b.tree.Err(); (err != nil) != b.expectFailure {
		b.Errorf("the tree ended with an error: %v", err)
	}
	if n := b.broker.Open(); n != 0 {
		b.Errorf("%d connections are still open", n)
	}
	took := time.Since(began)
	b.pass(2 * time.Second) // the library's dead-letter throttle ends
	return took
}

// settle lets everything happen that can happen without time passing.
func (b *bundle) settle() { synctest.Wait() }

// pass lets time pass.
func (b *bundle) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

var (
	alerts = messages.Target{Kind: messages.Group, Name: "alerts"}
	lobby  = messages.Target{Kind: messages.Group, Name: "lobby"}
)

func subscribe(filter string, targets ...messages.Target) messages.SubscribeCommand {
	return messages.SubscribeCommand{Filter: filter, Targets: targets, Options: messages.Options{QoS: 1}}
}

// crowd are groups of which a subscription serves too many to do without an actor.
func crowd(more ...messages.Target) []messages.Target {
	for i := range 10 {
		more = append(more, messages.Target{Kind: messages.Group, Name: fmt.Sprint("crowd", i)})
	}
	return more
}

func publish(topic string) messages.PublishCommand {
	return messages.PublishCommand{Message: &messages.Message{Topic: topic, QoS: 1}}
}

func message(topic, payload string) messages.Message {
	return messages.Message{Topic: topic, Payload: []byte(payload), QoS: 1}
}

// payloads are what a target was sent, in order.
func (b *bundle) payloads(t messages.Target) []string {
	var got []string
	for _, e := range b.layer.Sent(t) {
		got = append(got, string(e.Message.Payload))
	}
	return got
}
