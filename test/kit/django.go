package kit

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/layer"
)

// Django is one process of a site, as seen from Redis: it speaks what
// channels_redis speaks, with one consumer, and as fast as Redis does. Where
// Redis is away it tries again.
type Django struct {
	t       testing.TB
	redis   *redis.Client
	process string // specific.<32 hex>!
	sent    atomic.Uint64
	seen    map[string]bool // read, but perhaps still in Redis
}

// NewDjango makes a process on the layer with default settings.
func NewDjango(t testing.TB, addr string) *Django {
	t.Helper()
	id := make([]byte, 16)
	rand.Read(id)
	return &Django{t: t, redis: RedisClient(t, addr), process: "specific." + hex.EncodeToString(id) + "!", seen: map[string]bool{}}
}

// Channel is the name of its consumer's channel.
func (d *Django) Channel() string { return d.process + "consumer" }

// Join adds the consumer to a group.
func (d *Django) Join(group string) {
	d.t.Helper()
	d.retry("joining a group", func(ctx context.Context) error {
		return d.redis.ZAdd(ctx, "asgi:group:"+group, redis.Z{Score: now(), Member: d.Channel()}).Err()
	})
}

// Send puts messages on the worker's channel, whatever the channel's length.
func (d *Django) Send(list ...messages.Map) {
	d.t.Helper()
	members := make([]redis.Z, len(list))
	for i, m := range list {
		members[i] = redis.Z{Score: now() + float64(i)*1e-6, Member: d.member(m)}
	}
	d.SendRaw(members...)
}

// SendRaw puts members on the worker's channel as they are.
func (d *Django) SendRaw(members ...redis.Z) {
	d.t.Helper()
	d.retry("sending a command", func(ctx context.Context) error {
		return d.redis.ZAdd(ctx, "asgimqtt", members...).Err()
	})
}

func (d *Django) member(m messages.Map) string {
	d.t.Helper()
	prefix := binary.BigEndian.AppendUint64([]byte(d.process[9:13]), d.sent.Add(1))
	body, err := Pack(prefix, m)
	if err != nil {
		d.t.Errorf("packing a command: %v", err)
	}
	return string(body)
}

// Read takes what waits for the consumer, oldest first, waiting for it at most
// the given time. What a Redis that dies has answered is not lost: a member
// leaves Redis after it was seen, and is not seen twice.
func (d *Django) Read(within time.Duration) []messages.Map {
	d.t.Helper()
	ctx, key := context.Background(), "asgi"+d.process
	for deadline := time.Now().Add(within); ; {
		members, _ := d.redis.ZRange(ctx, key, 0, 999).Result()
		var list []messages.Map
		gone := make([]any, len(members))
		for i, member := range members {
			gone[i] = member
			if !d.seen[member] {
				d.seen[member] = true
				list = append(list, d.decode(member))
			}
		}
		if len(gone) > 0 && d.redis.ZRem(ctx, key, gone...).Err() == nil {
			clear(d.seen)
		}
		if len(list) > 0 || time.Now().After(deadline) {
			return list
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func (d *Django) decode(member string) messages.Map {
	d.t.Helper()
	m, err := layer.DecodeMessage(member[12:])
	if err != nil {
		d.t.Errorf("the worker wrote what Python cannot read: %v", err)
	}
	return m
}

// Event is the inner message of an event that was read.
func Event(t testing.TB, m messages.Map) messages.Map {
	t.Helper()
	inner, ok := m.Get("message")
	event, isMap := inner.(messages.Map)
	if !ok || !isMap {
		t.Fatalf("not an event: %v", m)
	}
	return event
}

func (d *Django) retry(doing string, f func(context.Context) error) {
	d.t.Helper()
	deadline := time.Now().Add(3 * time.Minute) // outlasts every outage of the tests
	for {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		err := f(ctx)
		cancel()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			d.t.Errorf("%s: %v", doing, err)
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func now() float64 { return float64(time.Now().UnixMicro()) / 1e6 }

// Subscribe is the command as a site sends it.
func Subscribe(filter, group string, qos int) messages.Map {
	return messages.Map{
		{Key: "type", Value: "mqtt.subscribe"}, {Key: "topic", Value: filter},
		{Key: "group", Value: group}, {Key: "qos", Value: int64(qos)},
	}
}

// Publish is the command as a site sends it.
func Publish(topic string, payload messages.Value, qos int) messages.Map {
	return messages.Map{
		{Key: "type", Value: "mqtt.publish"},
		{Key: "publish", Value: messages.Map{
			{Key: "topic", Value: topic}, {Key: "payload", Value: payload},
			{Key: "qos", Value: int64(qos)}, {Key: "retain", Value: false},
		}},
	}
}

// Garbage is what no Python writes but a queue may hold all the same.
func Garbage() []redis.Z {
	var list []redis.Z
	for i, body := range []string{"", "short", "twelve bytes", "twelve bytes\xc1", "twelve bytes\x81", "twelve bytes\x01", "twelve bytes\xdd\xff\xff\xff\xff"} {
		list = append(list, redis.Z{Score: now() + float64(i)*1e-6, Member: body})
	}
	return list
}
