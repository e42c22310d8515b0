package actors_test

import (
	"testing"
	"testing/synctest"
	"time"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
	"chanmqttproxy/test/probe"
)

// A command for a stream waits with the first slot until that of the streams runs, which has
// the first one answer and acknowledge it; one that the slot has not done when it ends comes
// again. The first slot goes on when that of the streams stops.
func TestCommandsForStreams(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		tree := actors.New(actors.Options{})
		first, layer, broker := probe.NewLayer(), probe.NewLayer(), probe.NewBroker()
		slot := tree.Start(actors.Options{Layer: first, MQTT: probe.NewBroker(), OpenStreams: func() { asked++ }})
		pass := func() { time.Sleep(time.Second); synctest.Wait() }
		open := func() *actors.Slot {
			s := tree.Start(actors.Options{Layer: layer, MQTT: broker, Slot: messages.StreamSlot})
			slot.SetStreams(true)
			pass()
			return s
		}
		end := func(s *actors.Slot) {
			s.Shutdown()
			<-s.Done()
			slot.SetStreams(false)
			pass()
		}
		at := messages.Target{Kind: messages.Stream, Name: "s"}
		want := func(what string, receipt messages.Receipt, acked bool, filters, asks int) {
			t.Helper()
			pass()
			if first.Acked(receipt) != acked || len(broker.Filters()) != filters || asked != asks {
				t.Errorf("%s: acknowledged %v, filters %v, asked for %d times", what, first.Acked(receipt), broker.Filters(), asked)
			}
		}
		pass()
		subscribe := first.Put(asking("", "a/#", at))
		want("nobody carries it out", subscribe, false, 0, 1)
		streams := open()
		want("subscribed", subscribe, true, 1, 1)
		if n := len(first.Sent(asker)); n != 1 {
			t.Errorf("%d answers", n)
		}
		if streams.Unused() {
			t.Error("unused though subscribed")
		}
		layer.Away(true)
		unsubscribe := first.Put(messages.UnsubscribeCommand{Filter: "a/#", Targets: []messages.Target{at}})
		want("it cannot be stored", unsubscribe, false, 0, 1)
		streams.Abandon()
		<-streams.Done()
		slot.SetStreams(false)
		want("the slot ended before that", unsubscribe, false, 0, 2)
		layer.Away(false)
		streams = open()
		want("unsubscribed", unsubscribe, true, 0, 2)
		if !streams.Unused() {
			t.Error("not unused though unsubscribed")
		}
		end(streams)
		again := first.Put(asking("", "b/#", at))
		want("the first slot reads on", again, false, 0, 3)
		began := time.Now()
		slot.Shutdown() // nobody is there who could carry it out
		<-slot.Done()
		if took := time.Since(began); took > time.Second {
			t.Errorf("the stop took %v", took)
		}
		time.Sleep(time.Minute) // the library counts dead letters for so long
	})
}
