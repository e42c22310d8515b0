package main

import (
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// A queueWatch looks every few milliseconds how many events wait for the process of the
// page in Redis.
type queueWatch struct {
	client *redis.Client
	ended  chan struct{}
	done   sync.WaitGroup
	length sample
}

// watchQueue watches until stop is called.
func (r *rig) watchQueue() *queueWatch {
	w := &queueWatch{client: redis.NewClient(&redis.Options{Addr: "127.0.0.1:" + r.redis}), ended: make(chan struct{})}
	w.done.Go(func() {
		for {
			select {
			case <-w.ended:
				return
			case <-time.After(5 * time.Millisecond):
				w.length.add(w.count(r), 0)
			}
		}
	})
	return w
}

// stop ends it, and returns the middle of the lengths.
func (w *queueWatch) stop() float64 {
	close(w.ended)
	w.done.Wait()
	_ = w.client.Close()
	return w.length.median()
}

// count is how many events wait now. There is one process, and no other key of this kind.
func (w *queueWatch) count(r *rig) (waiting float64) {
	keys, _, _ := w.client.Scan(r.ctx, 0, "asgispecific.*", 1000).Result()
	for _, key := range keys {
		if !strings.HasSuffix(key, "$inflight") {
			waiting += float64(w.client.ZCard(r.ctx, key).Val())
		}
	}
	return waiting
}
