package main

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/config"
	"chanmqttproxy/runtime/embedded"
)

// The demo is a house with a few devices, and one consumer of a site that looks
// at it and switches a lamp now and then. It is there so that the page has
// something to show.

// rooms are those of the house.
var rooms = []string{"kitchen", "living-room", "bedroom", "attic"}

// demoGroup is the group of the simulated consumer.
const demoGroup = "house"

// demo runs until ctx ends; wait waits for its end.
func demo(ctx context.Context, cfg *config.Config, broker *embedded.BrokerServer) (wait func(), err error) {
	lamps := make(chan string, 16)
	err = broker.Listen("house/+/lamp/set", func(topic string, _ []byte) {
		select {
		case lamps <- topic:
		default:
		}
	})
	if err != nil {
		return nil, fmt.Errorf("starting the demo's devices: %w", err)
	}
	var both sync.WaitGroup
	both.Go(func() { devices(ctx, broker, lamps) })
	both.Go(func() { again(ctx, func() error { return simulateConsumer(ctx, cfg) }) })
	return both.Wait, nil
}

// devices measure, and lamps tell what they were set to. While the broker is
// stopped nobody receives them.
func devices(ctx context.Context, broker *embedded.BrokerServer, lamps <-chan string) {
	ticks := time.NewTicker(400 * time.Millisecond)
	defer ticks.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case topic := <-lamps:
			_ = broker.Publish(strings.TrimSuffix(topic, "/set"), []byte(`"switched"`), false)
		case <-ticks.C:
			room := rooms[n%len(rooms)]
			warmth := 20 + 3*math.Sin(float64(n)/20) + float64(n%len(rooms))
			_ = broker.Publish("house/"+room+"/temperature", fmt.Appendf(nil, `{"celsius": %.1f}`, warmth), true)
			if n%7 == 0 {
				_ = broker.Publish("house/"+room+"/door", []byte(`"opened"`), false)
			}
			if n%25 == 0 { // nobody subscribes to these
				_ = broker.Publish("garden/rain", []byte("0"), false)
			}
		}
	}
}

// simulateConsumer joins a group, subscribes, reads what comes, and switches a lamp
// every few seconds.
func simulateConsumer(ctx context.Context, cfg *config.Config) error {
	consumer := newConsumer(cfg)
	defer consumer.leave(demoGroup)
	if err := consumer.Join(ctx, demoGroup); err != nil {
		return err
	}
	for _, filter := range []string{"house/+/temperature", "house/+/lamp", "house/+/door"} {
		if err := consumer.command(ctx, messages.Map{{Key: "type", Value: "mqtt.subscribe"}, {Key: "topic", Value: filter}, {Key: "group", Value: demoGroup}}); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var switching sync.WaitGroup
	defer switching.Wait()
	defer cancel()
	switching.Go(func() { switchLamps(ctx, consumer) })
	return consumer.each(ctx, func(messages.Map) (bool, error) { return false, nil })
}

func switchLamps(ctx context.Context, consumer *consumer) {
	for n := 0; pause(ctx, 5*time.Second); n++ {
		on := messages.Map{{Key: "on", Value: n%2 == 0}}
		_ = consumer.command(ctx, messages.Map{{Key: "type", Value: "mqtt.publish"}, {Key: "publish", Value: messages.Map{
			{Key: "topic", Value: "house/" + rooms[n%len(rooms)] + "/lamp/set"}, {Key: "payload", Value: on}, {Key: "qos", Value: int64(1)}, {Key: "retain", Value: false},
		}}}) // where Redis is stopped it comes with the next
	}
}

// again does something that fails until ctx ends.
func again(ctx context.Context, do func() error) {
	for ctx.Err() == nil {
		_ = do()
		pause(ctx, time.Second)
	}
}

// pause waits, and says whether ctx still lives.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
