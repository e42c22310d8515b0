package mqtt_test

import (
	"io"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"chanmqttproxy/runtime/mqtt"
)

// silent is a peer that counts what it gets and says nothing.
func silent(t *testing.T) (end net.Conn, pings *atomic.Int64) {
	t.Helper()
	end, peer := net.Pipe()
	pings = &atomic.Int64{}
	go func() {
		for packet := make([]byte, 2); ; pings.Add(1) {
			if _, err := io.ReadFull(peer, packet); err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() { peer.Close() })
	return end, pings
}

func over(l *mqtt.Line) bool {
	synctest.Wait()
	select {
	case <-l.Over():
		return true
	default:
		return false
	}
}

// TestKeepAlive: a silent peer is given up one and a half intervals after its
// last byte.
func TestKeepAlive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		end, pings := silent(t)
		l := mqtt.NewLine(end, 10*time.Second)
		go l.Read()
		time.Sleep(10*time.Second - time.Millisecond)
		if over(l) || pings.Load() != 1 {
			t.Fatalf("after one interval it is over, or %d pings were sent", pings.Load())
		}
		time.Sleep(5 * time.Second)
		if !over(l) {
			t.Fatal("after one and a half intervals it is not over")
		}
	})
}

// TestKeepAlivePaused: while nobody reads, the peer is pinged in time and not
// suspected; then its time starts afresh.
func TestKeepAlivePaused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		end, pings := silent(t)
		l := mqtt.NewLine(end, 10*time.Second)
		time.Sleep(6 * time.Second) // a ping is under way
		l.Pause()
		for range 100 {
			had := pings.Load()
			time.Sleep(10 * time.Second)
			if over(l) || pings.Load() == had {
				t.Fatalf("it is over, or there was no ping for an interval, after %d", had)
			}
		}
		l.Resume()
		go l.Read()
		time.Sleep(8 * time.Second)
		if over(l) {
			t.Fatal("it is over before the peer had its time to answer")
		}
		time.Sleep(7 * time.Second)
		if !over(l) {
			t.Fatal("after one and a half intervals of reading it is not over")
		}
	})
}

// TestLostWhilePaused: a socket that is gone is noticed by the next ping.
func TestLostWhilePaused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		end, peer := net.Pipe()
		l := mqtt.NewLine(end, 10*time.Second)
		defer l.Close()
		l.Pause()
		peer.Close()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		select {
		case <-l.Failing():
		default:
			t.Fatal("the loss went unnoticed for half an interval")
		}
	})
}

// TestSlowNetwork: an answer is waited for a minute in which it could be read.
func TestSlowNetwork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		end, _ := silent(t)
		l := mqtt.NewLine(end, 0)
		defer l.Close()
		ctx, cancel := l.Patient(t.Context())
		defer cancel()
		l.Pause()
		time.Sleep(time.Hour)
		l.Resume()
		time.Sleep(59 * time.Second)
		if ctx.Err() != nil {
			t.Fatal("it is over while the answer could not be read")
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if ctx.Err() == nil {
			t.Fatal("it is not over after a minute")
		}
	})
}

// TestRoundTrip: each answer to a ping is measured, also on a connection that is never
// quiet; one that nobody read for a while is not.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		end, peer := net.Pipe()
		go func() {
			for packet := make([]byte, 2); ; {
				if _, err := io.ReadFull(peer, packet); err != nil {
					return
				}
				if packet[0] == 12<<4 {
					time.Sleep(30 * time.Millisecond)
					packet[0] = 13 << 4
				}
				if _, err := peer.Write(packet); err != nil {
					return
				}
			}
		}()
		var trips []time.Duration
		l := mqtt.NewMeasuredLine(end, 10*time.Second, func(d time.Duration) { trips = append(trips, d) })
		defer peer.Close()
		defer l.Close()
		l.Pause()
		time.Sleep(6 * time.Second) // a ping is under way
		l.Resume()
		go l.Read()
		for range 25 { // the peer sends back what it gets
			if err := l.Write([]byte{14 << 4, 0}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		synctest.Wait()
		if len(trips) != 2 || trips[0] != 30*time.Millisecond || trips[1] != trips[0] {
			t.Errorf("measured %v", trips)
		}
	})
}
