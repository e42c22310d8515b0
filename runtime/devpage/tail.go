package devpage

import (
	"context"
	"encoding/hex"
	"net/http"
	"sync"
	"time"
	"unicode/utf8"

	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

const (
	// payloadShown is how many bytes of a payload are shown.
	payloadShown = 512
	// tailShown is how many messages one event of a tail holds, and tailPause the least
	// time between two events: nobody reads more.
	tailShown = 20
	tailPause = 250 * time.Millisecond
)

// Tailed is what has passed since the event before: the newest messages, in their order,
// and how many older ones are left out.
type Tailed struct {
	Messages []Passed
	Left     int
}

// Passed is a message that came from the MQTT broker, or went there.
type Passed struct {
	At               time.Time
	Direction, Topic string
	Bytes            int
	QoS              byte
	Retain           bool
	// Payload is its excerpt, where payloads are shown: as text, or in
	// hexadecimal if it is none.
	Payload string `json:",omitempty"`
}

// tail shows the messages that pass whose topics match a filter.
func (p *Page) tail(w http.ResponseWriter, r *http.Request) {
	filter := r.FormValue("filter")
	if err := topic.ValidateFilter(filter); err != nil {
		refuse(w, http.StatusBadRequest, "Filter: "+err.Error())
		return
	}
	if !p.hub.admit() {
		refuse(w, http.StatusServiceUnavailable, "too many pages are open on this worker: close one")
		return
	}
	defer p.hub.dismiss()
	newest := newNewest()
	stop := p.Tree.Tap(func(out bool, m *messages.Message) {
		if topic.Match(filter, m.Topic) {
			newest.add(p.passed(out, m))
		}
	})
	defer stop()
	events := make(chan []byte)
	go newest.feed(r.Context(), events)
	p.feed(w, r, events)
}

// newest keeps the newest messages that have passed.
type newest struct {
	some chan struct{} // filled while there are messages

	mu   sync.Mutex
	kept [tailShown]Passed // the one with the number n stands at n modulo tailShown
	n    int
}

func newNewest() *newest { return &newest{some: make(chan struct{}, 1)} }

func (l *newest) add(m Passed) {
	l.mu.Lock()
	l.kept[l.n%tailShown] = m
	l.n++
	l.mu.Unlock()
	select {
	case l.some <- struct{}{}:
	default:
	}
}

// take is what has passed since it was asked last.
func (l *newest) take() Tailed {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := Tailed{Left: max(0, l.n-tailShown)}
	for i := t.Left; i < l.n; i++ {
		t.Messages = append(t.Messages, l.kept[i%tailShown])
	}
	l.n = 0
	return t
}

// feed makes events until ctx ends: the first message of a quiet time at once, what
// follows a few times a second.
func (l *newest) feed(ctx context.Context, events chan<- []byte) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.some:
		}
		select {
		case <-ctx.Done():
			return
		case events <- event("messages", l.take()):
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(tailPause):
		}
	}
}

// passed is what is shown of a message.
func (p *Page) passed(out bool, m *messages.Message) Passed {
	shown := Passed{At: time.Now(), Direction: "in", Topic: m.Topic, Bytes: len(m.Payload), QoS: m.QoS, Retain: m.Retain}
	if out {
		shown.Direction = "out"
	}
	if p.About.ShowPayloads {
		shown.Payload = excerpt(m.Payload)
	}
	return shown
}

// excerpt is what is shown of a payload.
func excerpt(payload []byte) string {
	cut := payload[:min(len(payload), payloadShown)]
	for n := 0; n < utf8.UTFMax && len(cut) < len(payload) && len(cut) > 0 && !utf8.Valid(cut); n++ {
		cut = cut[:len(cut)-1] // a character that was cut
	}
	text := string(cut)
	if !utf8.Valid(cut) {
		text = "0x" + hex.EncodeToString(payload[:min(len(payload), payloadShown/2)])
	}
	if len(cut) < len(payload) {
		text += "…"
	}
	return text
}
