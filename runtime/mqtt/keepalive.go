package mqtt

import (
	"fmt"
	"time"
)

// keepAlive sends PINGREQ on a connection that is quiet in one direction [MQTT-3.1.2-20], and closes it
// when the broker stays silent: no later than one and a half intervals after its last byte. While
// nobody reads, it sends PINGREQ and expects no answer. It also sends PINGREQ once an interval on a busy
// connection, to measure the round trip. It ends with the connection.
func (s *stream) keepAlive(interval time.Duration) {
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
		case <-s.done:
			return
		case <-timer.C:
		}
		read, wrote := s.lastHeard(), time.Unix(0, s.lastWrite.Load())
		if !asked.IsZero() && read.After(asked) {
			asked = time.Time{}
		}
		switch quiet := min(time.Until(read.Add(half)), time.Until(wrote.Add(half))); {
		case !asked.IsZero() && time.Since(asked) >= half:
			s.close(fmt.Errorf("the broker was silent for %v", time.Since(read).Round(time.Millisecond)))
			return
		case !asked.IsZero():
			timer.Reset(time.Until(asked.Add(half)))
		case quiet > 0:
			if time.Since(pinged) >= interval {
				pinged = s.ping()
			}
			timer.Reset(quiet)
		default:
			pinged = s.ping()
			asked = pinged
			timer.Reset(half)
		}
	}
}

// ping sends a PINGREQ, and returns when.
func (s *stream) ping() time.Time {
	now := time.Now()
	s.pinged.CompareAndSwap(0, now.UnixNano()) // the oldest that is not answered
	_ = s.write(pingreq)
	return now
}

// ponged notes the answer to the oldest PINGREQ. If nobody read for a while it does not measure the
// broker.
func (s *stream) ponged() {
	pinged := s.pinged.Swap(0)
	if pinged > s.resumed.Load() && s.onTrip != nil {
		s.onTrip(time.Since(time.Unix(0, pinged)))
	}
	if pinged > 0 && s.onPong != nil {
		s.onPong(time.Unix(0, pinged))
	}
}

// lastHeard is when the peer last sent something; now, while nobody reads.
func (s *stream) lastHeard() time.Time {
	read, resumed := time.Unix(0, s.lastRead.Load()), s.lastResumed()
	if resumed.After(read) {
		return resumed
	}
	return read
}
