package mqtt

import (
	"testing"
	"time"

	"chanmqttproxy/messages"
)

const (
	five = messages.MQTT5
	old  = messages.MQTT311
)

func TestConnectTime(t *testing.T) {
	t.Parallel()
	const configured = 10 * time.Second
	slow := func(h *history) { h.slow(configured) }
	took := func(d time.Duration) func(*history) { return func(h *history) { h.answered(five, d) } }
	for _, c := range []struct {
		name       string
		configured time.Duration
		steps      []func(*history)
		want       time.Duration
	}{
		{"at first", configured, nil, 10 * time.Second},
		{"unanswered once", configured, []func(*history){slow}, 20 * time.Second},
		{"unanswered twice", configured, []func(*history){slow, slow}, 40 * time.Second},
		{"no more than a minute", configured, []func(*history){slow, slow, slow, slow}, time.Minute},
		{"a longer one is configured", 2 * time.Minute, []func(*history){slow}, 2 * time.Minute},
		{"answered fast", configured, []func(*history){slow, slow, took(time.Millisecond)}, 10 * time.Second},
		{"answered late: it will be late again", configured, []func(*history){slow, took(12 * time.Second)}, 24 * time.Second},
		{"answered very late", configured, []func(*history){slow, slow, slow, took(50 * time.Second)}, time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var h history
			for _, step := range c.steps {
				step(&h)
			}
			if got := h.connectTime(c.configured); got != c.want {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

// attempt is how one CONNECT ended, and which version is to be tried after that.
type ended struct {
	cause messages.Cause // 255: it was answered with success
	after time.Duration  // passes before the next
	next  messages.Version
}

const success messages.Cause = 255

func TestVersions(t *testing.T) {
	t.Parallel()
	const refused, unclear, unanswered, network = messages.ProtocolRefused, messages.ProtocolUnclear, messages.Unanswered, messages.Network
	knows5 := ended{success, 0, five}
	for name, steps := range map[string][]ended{
		"refused explicitly":                  {{refused, 0, old}, {success, 0, old}},
		"closed twice, then answered":         {{unclear, 0, five}, {unclear, 0, old}, {success, 0, old}},
		"unanswered twice, then answered":     {{unanswered, 0, five}, {unanswered, 0, old}, {success, 0, old}},
		"closed, then unanswered":             {{unclear, 0, five}, {unanswered, 0, old}},
		"another failure between":             {{unclear, 0, five}, {network, 0, five}, {unclear, 0, five}},
		"another refusal between":             {{unanswered, 0, five}, {messages.BadCredentials, 0, five}, {unanswered, 0, five}},
		"nothing answers 3.1.1 either":        {{unanswered, 0, five}, {unanswered, 0, old}, {unanswered, 0, five}, {unanswered, 0, five}},
		"gone while 3.1.1 is on trial":        {{unclear, 0, five}, {unclear, 0, old}, {network, 0, five}},
		"3.1.1 is understood, but refused":    {{unclear, 0, five}, {unclear, 0, old}, {messages.BadCredentials, 0, old}, {network, 0, old}},
		"neither is spoken":                   {{refused, 0, old}, {refused, 0, five}},
		"lost after 3.1.1 was spoken":         {{refused, 0, old}, {success, 0, old}, {network, 0, old}, {unanswered, 0, old}},
		"version 5 is tried again later":      {{refused, 0, old}, {success, versionMemory + 1, five}, {success, 0, five}},
		"and is refused again":                {{refused, 0, old}, {success, versionMemory + 1, five}, {refused, 0, old}},
		"and is not answered again":           {{refused, 0, old}, {success, versionMemory + 1, five}, {unanswered, 0, five}, {unanswered, 0, old}},
		"one that spoke 5 hangs":              {knows5, {unanswered, 0, five}, {unanswered, 0, five}, {unanswered, 0, five}},
		"one that spoke 5 restarts and hangs": {knows5, {unclear, 0, five}, {unclear, 0, five}, {unanswered, 0, five}},
		"one that spoke 5 was replaced":       {knows5, {refused, 0, old}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var h history
			now := time.Now()
			for i, step := range steps {
				v := h.version(five, now)
				if step.cause == success {
					h.answered(v, time.Millisecond)
				} else {
					h.failed(v, step.cause, now)
				}
				now = now.Add(step.after)
				if got := h.version(five, now); got != step.next {
					t.Fatalf("after step %d version %v is tried, want %v", i, got, step.next)
				}
				if got := h.version(old, now); got != old {
					t.Fatalf("version %v is tried though 3.1.1 is preferred", got)
				}
			}
		})
	}
}

// One that spoke version 5 and is replaced by one that closes on it is spoken to after a
// while.
func TestVersionOfOneThatWasReplaced(t *testing.T) {
	t.Parallel()
	var h history
	now := time.Now()
	h.answered(five, time.Millisecond)
	for range doubtsAfter5 {
		if h.version(five, now) != five {
			t.Fatal("it falls back too early")
		}
		h.failed(five, messages.ProtocolUnclear, now)
	}
	if h.version(five, now) != old {
		t.Error("it does not fall back")
	}
}

func TestUnknownSessions(t *testing.T) {
	t.Parallel()
	var h history
	drop := func() { h.hasDropped("a") }
	if !h.mustDrop("a") {
		t.Error("one of which nothing is known is used")
	}
	drop()
	if h.mustDrop("a") {
		t.Error("it is dropped twice, though it was not asked for in between")
	}
	if h.opened("a", true) || h.mustDrop("a") {
		t.Error("one that is there after it was dropped is taken for ours, or not looked for again")
	}
	if h.opened("a", true) || !h.mustDrop("a") {
		t.Error("one that stays there is taken for ours, or not dropped again")
	}
	drop()
	if !h.opened("a", false) {
		t.Error("one that was begun is not taken for ours")
	}
	if h.mustDrop("a") || !h.opened("a", true) {
		t.Error("one that we began is dropped")
	}
	if !h.mustDrop("b") {
		t.Error("another client id has another session")
	}
}
