package actors

import (
	"strings"
	"time"

	"chanmqttproxy/messages"
)

// kindOf is the kind of the actor with a path: "group" of "bridge/groups/group:a~1".
func kindOf(path string) string {
	name := path[strings.LastIndexByte(path, '/')+1:]
	kind, _, _ := strings.Cut(name, ":")
	return kind
}

// began is what arrivals are measured from: an int64 is enough then.
var began = time.Now()

// arrival is a moment for a token, in nanoseconds, and for what there may be a hundred
// thousand of.
func arrival(t time.Time) int64 { return int64(t.Sub(began)) }

// measure notes how long those messages took that a write has brought to queues.
// Answers, and what was retained, are not on their way from somebody.
func (d *env) measure(b *messages.Batch, o messages.Outcome) {
	written, now := b.Bundles, time.Now()
	if b.Queue != nil && len(o.Refused) > 0 {
		written = written[:o.Refused[0].From]
	}
	for _, bundle := range written {
		for _, e := range bundle.Events {
			if e.Body == nil && !e.Message.Retain {
				d.Stats.Writing.Observe(now.Sub(e.Message.At))
			}
		}
	}
}
