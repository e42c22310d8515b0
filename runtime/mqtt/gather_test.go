package mqtt_test

import (
	"bytes"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"chanmqttproxy/runtime/mqtt"
)

// writes are the sizes of what is written to a connection.
func writes(t *testing.T) (end net.Conn, sizes func() []int) {
	t.Helper()
	end, peer := net.Pipe()
	var list []int
	go func() {
		for b := make([]byte, 1<<20); ; {
			n, err := peer.Read(b)
			if err != nil {
				return
			}
			list = append(list, n)
		}
	}()
	t.Cleanup(func() { peer.Close() })
	return end, func() []int {
		synctest.Wait()
		defer func() { list = nil }()
		return list
	}
}

// What follows each other at once is written together, but not without bound.
func TestGather(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		end, sizes := writes(t)
		l := mqtt.NewLine(end, time.Hour)
		defer l.Close()
		write := func(n int) {
			if err := l.Write(bytes.Repeat([]byte("x"), n)); err != nil {
				t.Fatal(err)
			}
		}
		write(10)
		if got := sizes(); !slices.Equal(got, []int{10}) {
			t.Errorf("alone: wrote %v", got)
		}
		l.Gather(true)
		write(10)
		write(20)
		if got := sizes(); got != nil {
			t.Errorf("wrote %v before the last", got)
		}
		l.Gather(false)
		if got := sizes(); !slices.Equal(got, []int{30}) {
			t.Errorf("together: wrote %v", got)
		}
		l.Gather(true)
		write(40_000)
		if got := sizes(); !slices.Equal(got, []int{40_000}) {
			t.Errorf("much: wrote %v before the last", got)
		}
		l.Gather(true)
		write(10)
		if err := l.Drain(t.Context()); err != nil { // as one who says goodbye does
			t.Fatal(err)
		}
		if got := sizes(); !slices.Equal(got, []int{10}) {
			t.Errorf("drained: wrote %v", got)
		}
	})
}
