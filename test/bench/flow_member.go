package main

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/layer"
)

// A memberFlow comes to a member of a group that is subscribed to each topic.
type memberFlow struct {
	*flow
	client  layer.Client
	granted int // subscriptions
}

// client is one of the channel layer that the workers use.
func (r *rig) client(channel string) layer.Client {
	return layer.Open(layer.Config{
		Redis: &redis.Options{Addr: "127.0.0.1:" + r.redis}, Channel: channel, Capacity: wideCapacity,
	}, slog.New(slog.DiscardHandler))
}

// newMemberFlow has the workers subscribe to all topics, one by one, so that each session
// gets its share, and returns when the broker has granted them. close is to be called.
func (r *rig) newMemberFlow(qos byte) (*memberFlow, error) {
	sender, err := r.newFlow(qos)
	if err != nil {
		return nil, err
	}
	f := &memberFlow{flow: sender, client: r.client(sender.name)}
	err = f.client.Join(r.ctx, f.name)
	go f.read()
	for i := range flowTopics {
		if err == nil {
			err = layer.Request(r.ctx, f.client, "mqtt", messages.Map{
				{Key: "type", Value: "mqtt.subscribe"}, {Key: "topic", Value: f.topic(i)}, {Key: "group", Value: f.name},
				{Key: "qos", Value: int64(qos)}, {Key: "payload", Value: "text"}, {Key: "reply_channel", Value: f.name},
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

func (f *memberFlow) close() {
	f.flow.close()
	f.client.Close()
}

// read notes what comes, until the client is closed.
func (f *memberFlow) read() {
	err := layer.ReceiveAll(f.ctx, f.client, 1000, func(list []layer.Message) error {
		at := time.Since(f.began)
		var receipts []messages.Receipt
		f.mu.Lock()
		for _, m := range list {
			receipts = append(receipts, m.Receipt)
			f.noteEvent(m.Body, at)
		}
		f.mu.Unlock()
		return f.client.Acknowledge(f.ctx, receipts)
	})
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failed = err
}

func (f *memberFlow) noteEvent(event messages.Map, at time.Duration) {
	if kind, _ := value(event, "type").(string); kind == "mqtt.subscribed" {
		f.granted++
	}
	message, _ := value(event, "message").(messages.Map)
	payload, _ := value(message, "payload").(string)
	f.note(payload, at)
}

func value(m messages.Map, key string) messages.Value {
	for _, p := range m {
		if p.Key == key {
			return p.Value
		}
	}
	return nil
}
