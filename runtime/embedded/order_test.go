package embedded_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"chanmqttproxy/runtime/embedded"
	"chanmqttproxy/test/kit"
)

// TestByArrival: by the second, and within one by the ids, which begin again.
func TestByArrival(t *testing.T) {
	for _, c := range []struct{ created, ids, want []int }{
		{want: nil},
		{[]int{5}, []int{7}, []int{7}},
		{[]int{5, 5, 5}, []int{3, 1, 2}, []int{1, 2, 3}},
		{[]int{6, 5, 5}, []int{1, 3, 2}, []int{2, 3, 1}},
		{[]int{5, 5, 5, 5}, []int{1, 65535, 2, 65534}, []int{65534, 65535, 1, 2}},
		{[]int{5, 5, 5, 5}, []int{1, 65535, 40, 65500}, []int{65500, 65535, 1, 40}},
		{[]int{5, 6, 5, 6}, []int{1, 9, 65535, 8}, []int{65535, 1, 8, 9}},
	} {
		if got := embedded.ByArrival(c.created, c.ids); !slices.Equal(got, c.want) {
			t.Errorf("ids %v of the seconds %v are sorted to %v, want %v", c.ids, c.created, got, c.want)
		}
	}
}

// TestFirstTime: n seconds from there lie before now, and increase in 16 bits too.
func TestFirstTime(t *testing.T) {
	for _, n := range []int{1, 2, 300, math.MaxUint16} {
		for _, now := range []int64{1 << 30, 1<<30 + 1, 1<<30 + 100, 1<<30 + math.MaxUint16} {
			first := embedded.FirstTime(n, now)
			last := first + int64(n) - 1
			if last >= now || uint16(last)-uint16(first) != uint16(n-1) || uint16(last) < uint16(first) {
				t.Errorf("%d packets at %d begin at %d", n, now, first)
			}
		}
	}
}

// TestQueueOrder: what was queued for an absent client comes in order.
func TestQueueOrder(t *testing.T) {
	t.Parallel()
	broker, err := embedded.Broker("127.0.0.1:0", embedded.BrokerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	device, proxy := kit.NewDevice(t, broker.Addr()), kit.NewProxy(t, broker.Addr())
	absent := kit.NewDevice(t, proxy.Addr())
	absent.Listen("a", 1)
	for round := range 2 {
		proxy.Refuse(true)
		for i := range 300 {
			if token := device.Publish("a", 1, fmt.Sprint(round*300+i)); !token.WaitTimeout(20 * time.Second) {
				t.Fatal("the broker takes no messages")
			}
		}
		proxy.Refuse(false)
		last := fmt.Sprint(round*300 + 299)
		kit.Eventually(t, 20*time.Second, "all have come", func() bool {
			return slices.ContainsFunc(absent.Heard(), func(h kit.Heard) bool { return h.Payload == last })
		})
	}
	var firsts []string // what was not yet acknowledged comes again
	for _, h := range absent.Heard() {
		if !slices.Contains(firsts, h.Payload) {
			firsts = append(firsts, h.Payload)
		}
	}
	for i, payload := range firsts {
		if payload != fmt.Sprint(i) {
			t.Fatalf("message %d of %d is %s", i, len(firsts), payload)
		}
	}
}
