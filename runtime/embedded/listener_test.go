package embedded_test

import (
	"net"
	"sync"
	"testing"
	"time"

	"chanmqttproxy/runtime/embedded"
)

// TestBrokerStopsWhileClientsCome: under the race detector, and with clients that send
// nothing.
func TestBrokerStopsWhileClientsCome(t *testing.T) {
	t.Parallel()
	for range 20 {
		broker := startBroker(t, embedded.BrokerOptions{})
		var coming sync.WaitGroup
		first := make(chan struct{})
		for i := range 8 {
			coming.Go(func() {
				conn, err := net.Dial("tcp", broker.Addr())
				if i == 0 {
					close(first)
				}
				if err != nil {
					return // it has stopped
				}
				defer conn.Close()
				_ = conn.SetReadDeadline(time.Now().Add(30 * time.Second))
				if _, err := conn.Read(make([]byte, 1)); isTimeout(err) {
					t.Error("a connection is still open 30 s after the broker was told to stop")
				}
			})
		}
		<-first
		broker.Stop()
		coming.Wait()
	}
}

func isTimeout(err error) bool {
	timeout, ok := err.(net.Error)
	return ok && timeout.Timeout()
}
