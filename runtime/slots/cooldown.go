package slots

import "time"

// cooldown is how long this worker does not take a slot whose session another client has taken over:
// from a second to half a minute, twice as long each time. The zero value is for the first time.
type cooldown struct {
	until time.Time
	last  time.Duration
}

// again returns the cooldown after one more loss.
func (c cooldown) again(now time.Time) cooldown {
	const least, most = time.Second, 30 * time.Second
	if now.Sub(c.until) > most {
		c.last = least / 2
	}
	c.last = min(2*c.last, most)
	return cooldown{now.Add(c.last), c.last}
}

// takenOver gives up a slot whose session another client has.
func (k *Keeper) takenOver(n int, h *holding) {
	c := k.cooldown[n].again(time.Now())
	k.cooldown[n] = c
	k.Counts.TakenOver.Add(1)
	k.Log.Warn("another MQTT client uses the client id of a session slot; giving the slot up: unless that client is another worker of this site, give it another id",
		"slot", n, "epoch", h.slot.Epoch, "closed_for", h.fence.closed(), "again_in", c.last)
	k.lose(h)
	k.release[n] = true
}
