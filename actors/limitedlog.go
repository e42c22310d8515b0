package actors

import (
	"errors"
	"time"

	"chanmqttproxy/messages"
)

// limitedInterval is how often the same warning is logged.
const limitedInterval = time.Minute

// limitedLog logs what Redis refuses, at most once in limitedInterval. The commands actor logs for
// all actors that Redis is unreachable.
type limitedLog struct {
	last string
	at   time.Time
}

func (c *limitedLog) warn(d *env, doing string, err error) {
	var f *messages.LayerFailure
	if !errors.As(err, &f) || !f.Answered || f.Logged {
		d.Log.Debug("trying again", "doing", doing, "error", err)
		return
	}
	if c.last == f.Err.Error() && time.Since(c.at) < limitedInterval {
		return
	}
	c.last, c.at = f.Err.Error(), time.Now()
	d.Log.Warn("Redis refuses a command; trying again: check its access rules (ACL), its memory, and that it is a master",
		"doing", doing, "error", err)
}
