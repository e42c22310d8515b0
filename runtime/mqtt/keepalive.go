package mqtt

import (
	"fmt"
	"time"
)

// keepAlive sends PINGREQ on a connection that is quiet in either direction
// [MQTT-3.1.2-20] and closes it when the broker stays silent: no later than
// one and a half intervals after its last byte. While nobody reads, PINGREQ is
// sent and no answer expected. It ends with the connection.
func (c *conn) keepAlive(interval time.Duration) {
	if interval == 0 {
		return
	}
	half := interval / 2
	timer := time.NewTimer(half)
	defer timer.Stop()
	var asked time.Time // of the PINGREQ that waits for a sign of life
	for {
		select {
		case <-c.done:
			return
		case <-timer.C:
		}
		read, wrote := c.lastHeard(), time.Unix(0, c.lastWrite.Load())
		if !asked.IsZero() && read.After(asked) {
			asked = time.Time{}
		}
		switch quiet := min(time.Until(read.Add(half)), time.Until(wrote.Add(half))); {
		case !asked.IsZero() && time.Since(asked) >= half:
			c.close(fmt.Errorf("the broker was silent for %v", time.Since(read).Round(time.Millisecond)))
			return
		case !asked.IsZero():
			timer.Reset(time.Until(asked.Add(half)))
		case quiet > 0:
			timer.Reset(quiet)
		default:
			asked = time.Now()
			_ = c.write(pingreq)
			timer.Reset(half)
		}
	}
}

// lastHeard is when the peer last gave a sign of life; now, while nobody reads.
func (c *conn) lastHeard() time.Time {
	read, resumed := time.Unix(0, c.lastRead.Load()), c.lastResumed()
	if resumed.After(read) {
		return resumed
	}
	return read
}
