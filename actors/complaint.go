package actors

import (
	"errors"
	"time"

	"chanmqttproxy/messages"
)

// complaintInterval is how often the same complaint is repeated.
const complaintInterval = time.Minute

// complaint says what Redis refuses, once in a while. That Redis is away is
// said by the reader, for all.
type complaint struct {
	last string
	at   time.Time
}

func (c *complaint) say(d *env, doing string, err error) {
	var f *messages.LayerFailure
	if !errors.As(err, &f) || !f.Answered || f.Said {
		d.Log.Debug("trying again", "doing", doing, "error", err)
		return
	}
	if c.last == f.Err.Error() && time.Since(c.at) < complaintInterval {
		return
	}
	c.last, c.at = f.Err.Error(), time.Now()
	d.Log.Warn("Redis refuses; trying again: check its access rules, its memory, and that it is a master",
		"doing", doing, "error", err)
}
