package actors

import (
	"slices"
	"sync"
	"sync/atomic"

	"chanmqttproxy/messages"
)

// tap passes all messages to its tappers. While there are none it costs reading one pointer a
// message.
type tap struct {
	mu      sync.Mutex
	tappers []*tapper
	shown   atomic.Pointer[[]*tapper] // nil: there are none
}

type tapper struct {
	onMessage func(out bool, m *messages.Message)
}

// show passes a message to all tappers.
func (t *tap) show(out bool, m *messages.Message) {
	if tappers := t.shown.Load(); tappers != nil {
		for _, e := range *tappers {
			e.onMessage(out, m)
		}
	}
}

func (t *tap) change(change func([]*tapper) []*tapper) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tappers = change(slices.Clone(t.tappers))
	if len(t.tappers) == 0 {
		t.shown.Store(nil)
		return
	}
	tappers := t.tappers
	t.shown.Store(&tappers)
}

// Tap calls onMessage with each message that comes from the MQTT broker or is handed
// to the connection (out), until stop is called. It must not wait, nor change or
// keep the message's payload.
func (t *Tree) Tap(onMessage func(out bool, m *messages.Message)) (stop func()) {
	e := &tapper{onMessage}
	t.shared.tap.change(func(tappers []*tapper) []*tapper { return append(tappers, e) })
	return func() {
		t.shared.tap.change(func(tappers []*tapper) []*tapper {
			return slices.DeleteFunc(tappers, func(other *tapper) bool { return other == e })
		})
	}
}
