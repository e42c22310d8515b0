package main

import (
	"fmt"
	"time"
)

// ofTraffic measures what becomes of traffic.
func (s *peerRig) ofTraffic(scenario string) (map[string]float64, error) {
	f, err := s.traffic()
	switch {
	case err != nil:
		return nil, err
	case scenario == "peers-burst":
		return f.burst(), nil
	default:
		return s.restart(f)
	}
}

// burst sends many messages at once.
func (f *traffic) burst() map[string]float64 {
	first, before := f.sent, len(f.come())
	for range burstLength {
		f.publish()
	}
	f.settle()
	came := f.come()
	return map[string]float64{
		"lost_msgs": float64(missing(came, first, f.sent)), "reordered": float64(overtaken(came[before:])), "sent": float64(f.sent - first),
	}
}

// restart stops the broker while messages are sent, and starts it again. whole_s is for how
// long nothing came that was sent after the start; there is none where that is for ever.
func (s *peerRig) restart(f *traffic) (map[string]float64, error) {
	first := f.sent
	f.pace(beforeRestart)
	s.mqtt.Stop()
	f.pace(away)
	s.mqtt.Start()
	back, again := time.Since(f.began), f.sent
	whole := func() (time.Duration, bool) {
		for _, a := range f.come() {
			if a.number >= again {
				return a.at - back, true
			}
		}
		return 0, false
	}
	figures := map[string]float64{}
	for time.Since(f.began) < back+untilWhole {
		f.pace(100 * time.Millisecond)
		if took, ok := whole(); ok {
			figures["whole_s"] = took.Seconds()
			break
		}
	}
	f.pace(time.Second)
	f.settle()
	figures["lost_msgs"], figures["sent"] = float64(missing(f.come(), first, f.sent)), float64(f.sent-first)
	if figures["lost_msgs"] == figures["sent"] {
		return nil, fmt.Errorf("none of %d messages came", f.sent-first)
	}
	return figures, nil
}
