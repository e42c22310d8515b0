package mqtt

import (
	"fmt"
	"time"
)

// keepAlive sends PINGREQ on a connection that is quiet in one direction [MQTT-3.1.2-20], and closes it
// when the broker stays silent: no later than one and a half intervals after its last byte. While
// nobody reads, it sends PINGREQ and expects no answer. It also sends PINGREQ once an interval on a busy
// connection, to measure the round trip. It ends with the connection.
func (c *conn) keepAlive(interval time.Duration) {
	if interval == 0 {
		return
	}
	half := interval / 2
	timer := time.NewTimer(half)
	defer timer.Stop()
	var asked time.Time // of the PINGREQ after which nothing has come yet
	pinged := time.Now()
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
			if time.Since(pinged) >= interval {
				pinged = c.ping()
			}
			timer.Reset(quiet)
		default:
			pinged = c.ping()
			asked = pinged
			timer.Reset(half)
		}
	}
}

// ping sends a PINGREQ, and returns when.
func (c *conn) ping() time.Time {
	now := time.Now()
	c.pinged.CompareAndSwap(0, now.UnixNano()) // the oldest that is not answered
	_ = c.write(pingreq)
	return now
}

// ponged notes the answer to the oldest PINGREQ. If nobody read for a while it does not measure the
// broker.
func (c *conn) ponged() {
	pinged := c.pinged.Swap(0)
	if pinged > c.resumed.Load() && c.onTrip != nil {
		c.onTrip(time.Since(time.Unix(0, pinged)))
	}
	if pinged > 0 && c.onPong != nil {
		c.onPong(time.Unix(0, pinged))
	}
}

// lastHeard is when the peer last sent something; now, while nobody reads.
func (c *conn) lastHeard() time.Time {
	read, resumed := time.Unix(0, c.lastRead.Load()), c.lastResumed()
	if resumed.After(read) {
		return resumed
	}
	return read
}
