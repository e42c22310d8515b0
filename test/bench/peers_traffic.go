package main

import (
	"encoding/json"
	"errors"
	"sync"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/test/kit"
)

// traffic is numbered messages of a device to a topic, and when each came to a member of
// the group.
type traffic struct {
	device *kit.Device
	sent   int
	ended  chan struct{}
	done   sync.WaitGroup

	mu       sync.Mutex
	arrivals []arrival // since the traffic began
	began    time.Time
}

const (
	peerTopic, peerGroup = "bench/traffic/t", "bench_traffic"
	burstLength          = 5000
	// silence is for how long nothing has come where nothing more is to come.
	silence = 10 * time.Second
	// The broker is away for so long, after so much traffic, and is given so long to be
	// whole again.
	beforeRestart, away, untilWhole = 2 * time.Second, time.Second, 40 * time.Second
	startTimeout                    = 40 * time.Second
)

// traffic begins when the peer passes messages on.
func (s *peerRig) traffic() (*traffic, error) {
	member := kit.NewDjango(s.t, s.redis.Addr())
	member.Join(peerGroup)
	if s.peer.byCommand {
		member.Send(kit.Subscribe(peerTopic, peerGroup, 1))
	}
	f := &traffic{device: kit.NewDevice(s.t, s.mqtt.Addr()), ended: make(chan struct{}), began: time.Now()}
	f.done.Go(func() { f.read(member) })
	s.t.Cleanup(func() {
		close(f.ended)
		f.done.Wait()
	})
	for ; len(f.come()) == 0; time.Sleep(100 * time.Millisecond) {
		if time.Since(f.began) > startTimeout {
			return nil, errors.New("no message came through")
		}
		f.publish()
	}
	f.settle()
	return f, nil
}

func (f *traffic) read(member *kit.Django) {
	for {
		select {
		case <-f.ended:
			return
		default:
		}
		list := member.Read(100 * time.Millisecond)
		f.mu.Lock()
		for _, m := range list {
			if n, ok := numberOf(m); ok {
				f.arrivals = append(f.arrivals, arrival{n, time.Since(f.began)})
			}
		}
		f.mu.Unlock()
	}
}

// numberOf is the number that a message was sent with.
func numberOf(event messages.Map) (int, bool) {
	message, _ := value(event, "message").(messages.Map)
	payload, _ := value(message, "payload").(messages.Map)
	n, ok := value(payload, "n").(int64)
	return int(n), ok
}

// publish sends the next message.
func (f *traffic) publish() {
	text, _ := json.Marshal(map[string]int{"n": f.sent})
	f.device.Publish(peerTopic, 1, string(text))
	f.sent++
}

func (f *traffic) come() []arrival {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.arrivals
}

// settle waits until all has come, or nothing comes any more.
func (f *traffic) settle() {
	last, count := time.Now(), 0
	for time.Since(last) < silence && missing(f.come(), 0, f.sent) > 0 {
		if n := len(f.come()); n > count {
			last, count = time.Now(), n
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// missing is how many of the numbers from first to before end have not come.
func missing(arrivals []arrival, first, end int) int {
	came := map[int]bool{}
	for _, a := range arrivals {
		if a.number >= first && a.number < end {
			came[a.number] = true
		}
	}
	return end - first - len(came)
}

// overtaken is how many came after one with a greater number.
func overtaken(arrivals []arrival) (count int) {
	greatest := 0
	for _, a := range arrivals {
		if a.number < greatest {
			count++
		}
		greatest = max(greatest, a.number)
	}
	return count
}

// pace sends at the fixed rate for a while.
func (f *traffic) pace(d time.Duration) {
	for start, i := time.Now(), 0; ; i++ {
		due := time.Duration(i) * time.Second / peerRate
		if due >= d {
			return
		}
		time.Sleep(time.Until(start.Add(due)))
		f.publish()
	}
}
