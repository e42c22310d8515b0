package actors

import (
	"strings"
	"time"
)

// kindOf is the kind of the actor with a path: "group" of "bridge/router/group:a~1".
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
