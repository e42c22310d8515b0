package chaos_test

import (
	"testing"
	"time"

	"chanmqttproxy/test/chaos"
)

// One of two brokers is lost for good while filters move. They share no sessions: what the
// lost one had is lost with it. What is sent when messages come again is not, every command
// is answered once, and the other broker has every filter where it belongs.
func TestFleetLosesBroker(t *testing.T) {
	t.Parallel()
	f := chaos.NewFleet(t, chaos.Options{Load: asking(), Workers: 2, Sessions: 1, Slots: 3, Spare: true})
	stop := f.Run()
	time.Sleep(quiet / 4)
	f.BeginResize(1, 3)
	f.LoseBroker()
	f.Settled(3)
	account(f, stop)
}

// Redis loses all its data while filters move. What the holder of the first slot knows is
// stored again: also the workers that start after it have every subscription.
func TestFleetFlush(t *testing.T) {
	long(t)
	t.Parallel()
	f := chaos.NewFleet(t, chaos.Options{Load: asking(), Workers: 2, Sessions: 2, Slots: 3})
	for i := range size(2, 10) {
		stop := f.Run()
		time.Sleep(quiet / 2)
		stop()
		f.Check(time.Minute)
		sessions := 3 - i%2
		f.BeginResize((f.Holder(0)+1)%2, sessions)
		f.Flush()
		f.Settled(sessions)
		f.AtRest()
		for _, w := range f.Workers {
			w.Kill()
		}
		for _, w := range f.Workers {
			w.Start()
		}
		f.FlowsEverywhere()
		f.AtRest()
	}
	f.StopAll()
	f.OneHolder()
}
