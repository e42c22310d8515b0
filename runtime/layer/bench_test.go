package layer_test

import (
	"fmt"
	"log/slog"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/test/kit"
)

var samplePayload = []byte(`{"n": 12345, "t": 1700000000123456, "temperature": 21.5, "unit": "°C", "tags": ["kitchen", "north"]}`)

func BenchmarkAppendPayload(b *testing.B) {
	for name, payload := range map[string][]byte{"json": samplePayload, "number": []byte("21.5"), "text": []byte("on"), "bytes": {0xff, 0, 1}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(payload)))
			var buf []byte
			for b.Loop() {
				buf, _ = layer.AppendPayload(buf[:0], payload, messages.PayloadAuto)
			}
		})
	}
}

func BenchmarkAppendMessage(b *testing.B) {
	m := messages.Map{{Key: "type", Value: "mqtt.message"}, {Key: "message", Value: messages.Map{
		{Key: "topic", Value: "a/b/c"}, {Key: "payload", Value: messages.Map{{Key: "n", Value: int64(1)}, {Key: "t", Value: 21.5}}}, {Key: "qos", Value: int64(1)},
	}}}
	b.ReportAllocs()
	var buf []byte
	for b.Loop() {
		buf, _ = layer.AppendMessage(buf[:0], m)
	}
}

func BenchmarkDecodeMessage(b *testing.B) {
	packed, _ := layer.AppendPayload([]byte("\x81\xa1p"), samplePayload, messages.PayloadAuto)
	body := string(packed)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := layer.DecodeMessage(body); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSend writes batches for groups of three channels in two processes to
// a real server. ns/event is the time for one event.
func BenchmarkSend(b *testing.B) {
	for _, shape := range []struct{ groups, batch int }{{1, 1}, {16, 1}, {1, 16}, {16, 16}, {16, 64}} {
		b.Run(fmt.Sprintf("groups=%d/batch=%d", shape.groups, shape.batch), func(b *testing.B) {
			server := kit.Redis(b, "--appendonly", "no")
			plain := server.Client()
			c := newClient(b, server.Addr())
			for g := range shape.groups {
				for _, member := range []string{"specific.a%d!1", "specific.a%d!2", "specific.b%d!1"} {
					plain.ZAdd(b.Context(), fmt.Sprint("asgi:group:g", g), redis.Z{Score: float64(time.Now().Unix()), Member: fmt.Sprintf(member, g)})
				}
			}
			b.ResetTimer()
			b.ReportAllocs()
			var all sync.WaitGroup
			for g := range shape.groups {
				all.Go(func() { sendEvents(b, c, plain, g, b.N/shape.groups+1, shape.batch) })
			}
			all.Wait()
		})
	}
}

// BenchmarkMembers writes one message for groups of many channels, all in one
// process or each in one of its own.
func BenchmarkMembers(b *testing.B) {
	for _, members := range []int{1, 10, 100, 1000} {
		for name, form := range map[string]string{"process": "specific.%[2]032d!%[1]032d", "processes": "specific.%[1]032d!%[2]032d"} {
			b.Run(fmt.Sprintf("%d/%s", members, name), func(b *testing.B) {
				server := kit.Redis(b, "--appendonly", "no")
				plain := server.Client()
				for i := range members {
					plain.ZAdd(b.Context(), "asgi:group:g0", redis.Z{Score: float64(time.Now().Unix()), Member: fmt.Sprintf(form, i, 0)})
				}
				c := layer.NewCore(layer.Config{Redis: kit.RedisOptions(server.Addr())}, slog.New(slog.DiscardHandler))
				defer c.Close()
				batch := sample(1)
				for n := 0; b.Loop(); n++ {
					if n%100 == 0 { // as many as a queue takes
						b.StopTimer()
						emptyQueues(b, plain)
						b.StartTimer()
					}
					batch.Stamp = 0
					if outcome, err := c.Send(b.Context(), batch); err != nil || len(outcome.FullQueues) > 0 {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func emptyQueues(b *testing.B, plain *redis.Client) {
	b.Helper()
	if keys := plain.Keys(b.Context(), "asgispecific*").Val(); len(keys) > 0 {
		plain.Del(b.Context(), keys...)
	}
}

// sample is a batch for the group g0.
func sample(size int) *messages.Batch {
	batch := &messages.Batch{Target: messages.Target{Name: "g0"}}
	for range size {
		batch.Bundles = append(batch.Bundles, alone(messages.Event{Message: &messages.Message{Topic: "bench/topic", Payload: samplePayload}}))
	}
	return batch
}

// BenchmarkSendForms writes batches of 16 for a group of three channels in two
// processes, to layers in other forms than the simple one.
func BenchmarkSendForms(b *testing.B) {
	for name, config := range map[string]layer.Config{
		"json":      {Serializer: layer.JSON},
		"encrypted": {EncryptionKeys: []string{"secret"}},
		"hosts":     {Hosts: make([]layer.Host, 2)},
	} {
		b.Run(name, func(b *testing.B) {
			config.Capacity = 1 << 30
			config.Hosts = make([]layer.Host, max(1, len(config.Hosts)))
			var plain *redis.Client
			for i := range config.Hosts {
				server := kit.Redis(b, "--appendonly", "no")
				config.Hosts[i].Redis = kit.RedisOptions(server.Addr())
				plain = server.Client()
				for _, member := range []string{"specific.a0!1", "specific.a0!2", "specific.b0!1"} {
					plain.ZAdd(b.Context(), "asgi:group:g0", redis.Z{Score: float64(time.Now().Unix()), Member: member})
				}
			}
			c := layer.NewCore(config, slog.New(slog.DiscardHandler))
			defer c.Close()
			b.ResetTimer()
			b.ReportAllocs()
			sendEvents(b, c, plain, 0, b.N, 16)
		})
	}
}

func sendEvents(b *testing.B, c layer.Client, plain *redis.Client, g, total, size int) {
	bundles := sample(size).Bundles
	for sent := 0; sent < total; sent += size {
		if sent/size%512 == 0 {
			plain.Del(b.Context(), fmt.Sprintf("asgispecific.a%d!", g), fmt.Sprintf("asgispecific.b%d!", g))
		}
		batch := &messages.Batch{Target: messages.Target{Name: fmt.Sprint("g", g)}, Bundles: bundles}
		if _, err := c.Send(b.Context(), batch); err != nil {
			b.Error(err)
			return
		}
	}
}

// BenchmarkReceive takes and acknowledges what waits, in batches.
func BenchmarkReceive(b *testing.B) {
	server := kit.Redis(b, "--appendonly", "no")
	plain := server.Client()
	c := newClient(b, server.Addr())
	pad := strings.Repeat("x", 100)
	for i := 0; i < b.N; i += 1000 {
		var list []redis.Z
		for j := i; j < i+1000; j++ {
			list = append(list, redis.Z{Score: float64(j), Member: fmt.Sprintf("%012d\x81\xa1p\xd9\x64%s", j, pad)})
		}
		plain.ZAdd(b.Context(), "asgimqtt", list...)
	}
	b.ResetTimer()
	for n := 0; n < b.N; {
		list, err := c.Receive(b.Context(), 64)
		if err != nil {
			b.Fatal(err)
		}
		receipts := make([]messages.Receipt, len(list))
		for i, m := range list {
			receipts[i] = m.Receipt
		}
		if err := c.Acknowledge(b.Context(), receipts); err != nil {
			b.Fatal(err)
		}
		n += len(list)
	}
	_ = plain.ZRemRangeByScore(b.Context(), "asgimqtt", "-inf", fmt.Sprint(math.MaxInt32))
}
