package actors

import (
	"slices"
	"sync"
	"sync/atomic"

	"chanmqttproxy/messages"
)

// tap shows all messages to those who look. While nobody does it costs one look
// at a pointer for each message.
type tap struct {
	mu    sync.Mutex
	eyes  []*eye
	shown atomic.Pointer[[]*eye] // nil: there are none
}

type eye struct {
	see func(out bool, m *messages.Message)
}

// show shows a message to everybody.
func (t *tap) show(out bool, m *messages.Message) {
	if eyes := t.shown.Load(); eyes != nil {
		for _, e := range *eyes {
			e.see(out, m)
		}
	}
}

func (t *tap) change(change func([]*eye) []*eye) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.eyes = change(slices.Clone(t.eyes))
	if len(t.eyes) == 0 {
		t.shown.Store(nil)
		return
	}
	eyes := t.eyes
	t.shown.Store(&eyes)
}

// Tap calls see with each message that comes from the MQTT broker or is handed
// to the connection (out), until stop is called. It must not wait, nor change or
// keep the message's payload.
func (t *Tree) Tap(see func(out bool, m *messages.Message)) (stop func()) {
	e := &eye{see}
	t.shared.tap.change(func(eyes []*eye) []*eye { return append(eyes, e) })
	return func() {
		t.shared.tap.change(func(eyes []*eye) []*eye {
			return slices.DeleteFunc(eyes, func(other *eye) bool { return other == e })
		})
	}
}
