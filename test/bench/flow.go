package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/paho"
	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/layer"
)

// A flow publishes to many topics at a fixed rate, and notes when each message comes to
// a member of the group that is subscribed to all of them.
type flow struct {
	ctx    context.Context
	client layer.Client
	device *paho.Client
	name   string
	qos    byte
	began  time.Time

	mu       sync.Mutex
	granted  int             // subscriptions
	sent     []time.Duration // since began, by number
	arrivals []arrival
	failed   error // of reading
}

// arrival is that of one message, since the flow began.
type arrival struct {
	number int
	at     time.Duration
}

// client is one of the channel layer that the workers use.
func (r *rig) client(channel string) layer.Client {
	return layer.Open(layer.Config{
		Redis: &redis.Options{Addr: "127.0.0.1:" + r.redis}, Channel: channel, Capacity: wideCapacity,
	}, slog.New(slog.DiscardHandler))
}

// newFlow has the workers subscribe to all topics, one by one, so that each session gets
// its share, and returns when the broker has granted them. close is to be called.
func (r *rig) newFlow(qos byte) (*flow, error) {
	name := "bench-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	f := &flow{ctx: r.ctx, client: r.client(name), name: name, qos: qos, began: time.Now()}
	conn, err := net.Dial("tcp", "127.0.0.1:"+r.mqtt)
	if err != nil {
		f.client.Close()
		return nil, err
	}
	f.device = paho.NewClient(paho.ClientConfig{Conn: conn})
	if _, err = f.device.Connect(r.ctx, &paho.Connect{ClientID: name, CleanStart: true, KeepAlive: 30}); err == nil {
		err = f.client.Join(r.ctx, name)
	}
	go f.read()
	for i := range flowTopics {
		if err == nil {
			err = layer.Request(r.ctx, f.client, "mqtt", messages.Map{
				{Key: "type", Value: "mqtt.subscribe"}, {Key: "topic", Value: f.topic(i)}, {Key: "group", Value: name},
				{Key: "qos", Value: int64(qos)}, {Key: "payload", Value: "text"}, {Key: "reply_channel", Value: name},
			})
		}
	}
	if err == nil && !f.wait(spreadTimeout, func() bool { return f.granted == flowTopics }) {
		err = fmt.Errorf("the broker granted %d of %d subscriptions within %v (%w)", f.granted, flowTopics, spreadTimeout, f.failed)
	}
	if err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

func (f *flow) close() {
	_ = f.device.Disconnect(&paho.Disconnect{})
	f.client.Close()
}

func (f *flow) topic(n int) string { return f.name + "/" + strconv.Itoa(n%flowTopics) }

// read notes what comes, until the client is closed.
func (f *flow) read() {
	err := layer.ReceiveAll(f.ctx, f.client, 1000, func(list []layer.Message) error {
		at := time.Since(f.began)
		var receipts []messages.Receipt
		f.mu.Lock()
		for _, m := range list {
			receipts = append(receipts, m.Receipt)
			f.note(m.Body, at)
		}
		f.mu.Unlock()
		return f.client.Acknowledge(f.ctx, receipts)
	})
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failed = err
}

func (f *flow) note(event messages.Map, at time.Duration) {
	if kind, _ := value(event, "type").(string); kind == "mqtt.subscribed" {
		f.granted++
	}
	message, _ := value(event, "message").(messages.Map)
	payload, _ := value(message, "payload").(string)
	if n, err := strconv.Atoi(payload); err == nil {
		f.arrivals = append(f.arrivals, arrival{n, at})
	}
}

func value(m messages.Map, key string) messages.Value {
	for _, p := range m {
		if p.Key == key {
			return p.Value
		}
	}
	return nil
}

// publish sends messages for a while, so many a second. One that is late for its moment
// does not make others late.
func (f *flow) publish(rate int, d time.Duration) error {
	for start, i := time.Now(), 0; ; i++ {
		due := time.Duration(i) * time.Second / time.Duration(rate)
		if due >= d {
			return nil
		}
		time.Sleep(time.Until(start.Add(due)))
		f.mu.Lock()
		n := len(f.sent)
		f.sent = append(f.sent, time.Since(f.began))
		f.mu.Unlock()
		_, err := f.device.PublishWithOptions(f.ctx, &paho.Publish{Topic: f.topic(n), QoS: f.qos, Payload: []byte(strconv.Itoa(n))},
			paho.PublishOptions{Method: paho.PublishMethod_AsyncSend})
		if err != nil {
			return fmt.Errorf("publishing: %w", err)
		}
	}
}

// wait waits until something is true of the flow.
func (f *flow) wait(most time.Duration, is func() bool) bool {
	for end := time.Now().Add(most); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		f.mu.Lock()
		done := is()
		f.mu.Unlock()
		if done {
			return true
		}
	}
	return false
}

// allCame says whether as many came as were sent.
func (f *flow) allCame() bool { return len(f.arrivals) >= len(f.sent) }

// lateAfter is how long a message takes at least that counts as late.
const lateAfter = 250 * time.Millisecond

// account is what became of those messages whose numbers are not below first.
func account(sent []time.Duration, arrivals []arrival, first int) map[string]float64 {
	came := map[int]bool{}
	last := map[int]int{} // by topic
	var took []time.Duration
	late, twice, reordered := 0, 0, 0
	for _, a := range arrivals {
		switch {
		case a.number < first || a.number >= len(sent):
			continue
		case came[a.number]:
			twice++
			continue
		}
		came[a.number] = true
		if a.number < last[a.number%flowTopics] {
			reordered++
		}
		last[a.number%flowTopics] = a.number
		d := a.at - sent[a.number]
		took = append(took, d)
		if d > lateAfter {
			late++
		}
	}
	slices.Sort(took)
	return map[string]float64{
		"sent": float64(len(sent) - first), "lost_msgs": float64(len(sent) - first - len(took)), "dup": float64(twice),
		"reordered": float64(reordered), "late": float64(late),
		"p50_ms": quantile(took, 0.5), p99: quantile(took, 0.99), "longest_ms": quantile(took, 1),
	}
}

// quantile is one of sorted times, in milliseconds.
func quantile(sorted []time.Duration, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	i := min(int(q*float64(len(sorted))), len(sorted)-1)
	return sorted[i].Seconds() * 1000
}
