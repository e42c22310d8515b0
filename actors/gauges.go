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

// began is the moment from which arrivals are measured, so that an int64 is enough.
var began = time.Now()

// arrival is a moment in nanoseconds since began. It takes less memory than a time.Time, in
// tokens and other values of which there may be a hundred thousand.
func arrival(t time.Time) int64 { return int64(t.Sub(began)) }
