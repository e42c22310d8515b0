package actors_test

import (
	"testing"
	"time"

	"chanmqttproxy/messages"
)

// A network that lets no connection live for long, and nothing through, is no
// publish's fault.
func TestBadNetworkIsNoPublishsFault(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		b.broker.Hold(true)
		var receipts []messages.Receipt
		for range 10 {
			receipts = append(receipts, b.layer.Put(publish("a")))
		}
		for i := range 300 {
			b.pass(time.Duration(100+i%7*300) * time.Millisecond)
			if b.broker.Connected() {
				b.broker.Drop(messages.Network)
			}
		}
		b.broker.Hold(false)
		b.pass(5 * time.Minute)
		for _, r := range receipts {
			if b.layer.DeadLetter(r) != "" || !b.layer.Acked(r) {
				b.Errorf("%s: dead letter %q, done %v", r, b.layer.DeadLetter(r), b.layer.Acked(r))
			}
		}
	})
}
