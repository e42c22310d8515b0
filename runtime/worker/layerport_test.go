package worker_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/runtime/worker"
	"chanmqttproxy/test/conform"
	"chanmqttproxy/test/kit"
)

// TestLayerPort has the layer on a real Redis do what that of the actors' tests does.
func TestLayerPort(t *testing.T) {
	t.Parallel()
	conform.LayerPortSuite(t, func(t *testing.T) conform.LayerPort {
		s := &site{t: t, redis: kit.Redis(t)}
		s.client = s.redis.Client()
		return conform.LayerPort{
			Layer: s.worker(), Next: s.next, Put: s.put, Join: s.join, Room: s.room, Read: s.read, Away: s.away,
			Leave: func(string) {}, Lose: func() { s.client.FlushAll(t.Context()) },
		}
	})
}

// site is the other side of the layer.
type site struct {
	t      *testing.T
	redis  *kit.RedisServer
	client *redis.Client
	last   *layer.Core
	count  int
}

const siteCapacity = 10

func (s *site) worker() actors.Layer {
	s.last = layer.NewCore(layer.Config{
		Hosts:    []layer.Host{{Redis: kit.RedisOptions(s.redis.Addr())}},
		Capacity: siteCapacity,
	}, slog.New(slog.DiscardHandler))
	s.t.Cleanup(s.last.Close)
	return worker.LayerOf(s.last)
}

func (s *site) next() actors.Layer {
	s.last.Close()
	return s.worker()
}

// add adds a message to a queue.
func (s *site) add(queue string, m messages.Map) {
	s.t.Helper()
	body, err := layer.Config{}.EncodeBody(m)
	if err != nil {
		s.t.Fatal(err)
	}
	s.count++
	z := redis.Z{Score: float64(time.Now().UnixMicro())/1e6 + float64(s.count)/1e6, Member: fmt.Sprintf("%012d%s", s.count, body)}
	if err := s.client.ZAdd(s.t.Context(), "asgi"+queue, z).Err(); err != nil {
		s.t.Error(err)
	}
}

func (s *site) put(topic string) {
	s.add("mqtt", messages.Map{
		{Key: "type", Value: "mqtt.publish"},
		{Key: "publish", Value: messages.Map{{Key: "topic", Value: topic}}},
	})
}

func (s *site) join(group string, channels ...string) {
	for _, c := range channels {
		now := redis.Z{Score: float64(time.Now().Unix()), Member: c}
		if err := s.client.ZAdd(s.t.Context(), "asgi:group:"+group, now).Err(); err != nil {
			s.t.Fatal(err)
		}
	}
}

// room fills a queue with messages that read leaves out, or empties it.
func (s *site) room(channel string, n int) {
	queue := messages.NonLocal(channel)
	s.client.Del(s.t.Context(), "asgi"+queue)
	for range siteCapacity - n {
		s.add(queue, messages.Map{{Key: "type", Value: "other"}})
	}
}

func (s *site) read(channel string) []string {
	s.t.Helper()
	payloads := []string{}
	list, err := s.client.ZPopMin(s.t.Context(), "asgi"+messages.NonLocal(channel), 1000).Result()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, z := range list {
		m, err := layer.Config{}.DecodeBody(z.Member.(string)[12:])
		if err != nil {
			s.t.Fatal(err)
		}
		inner, ok := m.Get("message")
		if !ok {
			continue
		}
		payload, _ := inner.(messages.Map).Get("payload")
		payloads = append(payloads, strings.TrimSpace(fmt.Sprint(payload)))
	}
	return payloads
}

func (s *site) away(away bool) {
	if away {
		s.redis.Kill()
		return
	}
	s.redis.Restart()
}
