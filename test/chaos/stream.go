package chaos

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/test/kit"
)

// streamReader is the name of who reads the stream, for the account.
const streamReader = "stream"

// streamPartitions is the number that a worker has by itself.
const streamPartitions = 4

// openStream subscribes a stream to all that comes in, and reads it.
func (r *Rig) openStream() {
	r.t.Helper()
	r.Site().Send(messages.Map{
		{Key: "type", Value: "mqtt.subscribe"}, {Key: "topic", Value: "in/#"}, {Key: "stream", Value: "chaos"}, {Key: "qos", Value: int64(2)},
	})
	db := kit.RedisClient(r.t, r.Redis.Addr())
	for k := range streamPartitions {
		r.readers.Go(func() { r.readPartition(db, fmt.Sprintf("chanmqttproxy:asgi:mqtt:stream:chaos:1:%d", k)) })
	}
}

// readPartition reads as the consumer group does: what was taken and not finished comes
// first, again after each failure.
func (r *Rig) readPartition(db *redis.Client, key string) {
	for from := "0"; r.reading.Load(); {
		entries, err := takeEntries(db, key, from)
		switch {
		case err != nil:
			from = "0" // Redis is away, or there was no message yet
		case len(entries) == 0:
			from = ">"
		}
		if len(entries) == 0 {
			time.Sleep(10 * time.Millisecond)
		}
		for _, e := range entries {
			if err := r.finish(db, key, e); err != nil {
				from = "0"
				break
			}
		}
	}
}

func takeEntries(db *redis.Client, key, from string) ([]redis.XMessage, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	list, err := db.XReadGroup(ctx, &redis.XReadGroupArgs{Group: "handlers", Consumer: "chaos", Streams: []string{key, from}, Count: 64, Block: -1}).Result()
	if errors.Is(err, redis.Nil) || err == nil && len(list) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return list[0].Messages, nil
}

// finish enters an entry, and then has the stream forget it.
func (r *Rig) finish(db *redis.Client, key string, e redis.XMessage) error {
	body, _ := e.Values["body"].(string)
	m, err := layer.Config{}.DecodeEntry(body)
	if err != nil {
		r.t.Errorf("an entry of %s: %v", key, err)
	} else {
		r.event(&process{name: streamReader}, kit.Event(r.t, m))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, err = db.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.XAck(ctx, key, "handlers", e.ID)
		p.XDel(ctx, key, e.ID)
		return nil
	})
	return err
}

// receivers are the names of those who get what comes in and read it now.
func (r *Rig) receivers() (names []string) {
	for _, p := range r.processes {
		if !p.stopped.Load() {
			names = append(names, p.name)
		}
	}
	if r.streams {
		names = append(names, streamReader)
	}
	return slices.Clip(names)
}
