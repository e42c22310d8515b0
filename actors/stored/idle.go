package stored

import (
	"iter"
	"maps"
	"time"

	"chanmqttproxy/messages"
)

// Idle finds the targets at which nobody has listened for a while.
type Idle struct {
	// After is how long that is.
	After time.Duration

	last map[messages.Target]time.Time // when somebody was there, or may have been
}

// Seen notes that somebody has asked for a target.
func (i *Idle) Seen(t messages.Target, now time.Time) {
	if i.last == nil {
		i.last = map[messages.Target]time.Time{}
	}
	i.last[t] = now
}

// Targets are those to look at, each once; the others are forgotten. What is for a stream waits
// in it, so that nobody has to be there.
func (i *Idle) Targets(keys iter.Seq[Key]) (list []messages.Target) {
	there := map[messages.Target]bool{}
	for key := range keys {
		if !there[key.Target] && key.Target.Kind != messages.Stream {
			there[key.Target] = true
			list = append(list, key.Target)
		}
	}
	maps.DeleteFunc(i.last, func(t messages.Target, _ time.Time) bool { return !there[t] })
	return list
}

// Looked notes where somebody listens, and returns and forgets the targets whose time is over.
// One that is new has it before it.
func (i *Idle) Looked(targets []messages.Target, live []bool, now time.Time) (over []messages.Target) {
	for n, t := range targets {
		last, known := i.last[t]
		switch {
		case live[n] || !known:
			i.Seen(t, now)
		case now.Sub(last) >= i.After:
			delete(i.last, t)
			over = append(over, t)
		}
	}
	return over
}

// Postpone gives every target the time again in which nothing could be known.
func (i *Idle) Postpone(by time.Duration) {
	for t, last := range i.last {
		i.last[t] = last.Add(by)
	}
}
