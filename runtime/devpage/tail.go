package devpage

import (
	"encoding/hex"
	"net/http"
	"time"
	"unicode/utf8"

	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

// payloadShown is how many bytes of a payload are shown.
const payloadShown = 512

// Passed is a message that came from the MQTT broker, or went there.
type Passed struct {
	At               time.Time
	Direction, Topic string
	Bytes            int
	QoS              byte
	Retain           bool
	// Payload is its beginning, where payloads are shown: as text, or in
	// hexadecimal if it is none.
	Payload string `json:",omitempty"`
}

// tail shows the messages that pass whose topics match a filter. What a viewer
// does not take in time is left out.
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
	events := make(chan []byte)
	passed := make(chan Passed, 256)
	stop := p.Tree.Tap(func(out bool, m *messages.Message) {
		if !topic.Match(filter, m.Topic) {
			return
		}
		select {
		case passed <- p.passed(out, m):
		default:
		}
	})
	defer stop()
	go func() {
		for {
			select {
			case <-r.Context().Done():
				return
			case m := <-passed:
				select {
				case events <- event("message", m):
				case <-r.Context().Done():
					return
				}
			}
		}
	}()
	p.feed(w, r, events)
}

// passed is what is shown of a message.
func (p *Page) passed(out bool, m *messages.Message) Passed {
	shown := Passed{At: time.Now(), Direction: "in", Topic: m.Topic, Bytes: len(m.Payload), QoS: m.QoS, Retain: m.Retain}
	if out {
		shown.Direction = "out"
	}
	if p.About.ShowPayloads {
		shown.Payload = beginning(m.Payload)
	}
	return shown
}

// beginning is what is shown of a payload.
func beginning(payload []byte) string {
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
