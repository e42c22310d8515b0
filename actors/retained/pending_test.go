package retained_test

import (
	"testing"
	"time"

	"chanmqttproxy/actors/retained"
	"chanmqttproxy/messages"
)

// TestPending: all have come when none has for a while and none is under way.
func TestPending(t *testing.T) {
	t.Parallel()
	begin := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	who := messages.Target{Kind: messages.Group, Name: "alerts"}
	p := retained.NewPending()
	if p.Granted(1, begin) {
		t.Error("nobody waits")
	}
	p.Add(messages.SendRetained{Target: who, Revision: 2})
	if !p.Granted(2, begin) || p.Idle() {
		t.Error("somebody waits")
	}
	for i, step := range []struct {
		at       time.Duration
		arrived  bool
		underWay bool
		ended    uint64
		again    time.Duration
	}{
		{time.Second, true, false, 0, retained.Quiet},
		{2 * time.Second, false, false, 0, time.Second},
		{3 * time.Second, false, true, 0, retained.Quiet},
		{4 * time.Second, false, false, 0, time.Second},
		{5 * time.Second, false, false, 2, 0},
		{6 * time.Second, false, false, 0, 0},
	} {
		now := begin.Add(step.at)
		if step.arrived {
			p.Arrived(now)
		}
		if ended, again := p.Check(now, step.underWay); ended != step.ended || again != step.again {
			t.Errorf("%d: %d, %v", i, ended, again)
		}
	}
	if got := p.Complete(2); len(got) != 1 || len(p.Targets()) != 0 || !p.Idle() {
		t.Errorf("%v had waited, %v wait", got, p.Targets())
	}
}

// TestPendingLong: who has waited for a minute waits no longer while others come.
func TestPendingLong(t *testing.T) {
	t.Parallel()
	begin := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	p := retained.NewPending()
	p.Add(messages.SendRetained{Revision: 1})
	p.Granted(1, begin)
	for s := range 60 {
		now := begin.Add(time.Duration(s) * time.Second)
		p.Arrived(now)
		if ended, _ := p.Check(now, true); ended != 0 {
			t.Fatalf("ended after %d s", s)
		}
	}
	now := begin.Add(time.Minute)
	p.Arrived(now)
	if ended, again := p.Check(now, true); ended != 1 || again == 0 {
		t.Errorf("%d, %v", ended, again)
	}
}
