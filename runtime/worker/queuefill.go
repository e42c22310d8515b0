package worker

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/layer"
)

// The queues are looked at when somebody asks, at most once in lookEvery, and not for
// longer than lookTimeout.
const (
	lookEvery   = time.Second
	lookTimeout = time.Second
)

var (
	queuesDesc    = described("queues", "Queues in Redis that subscriptions reach: those of the site's processes, and of channels, and streams.")
	fullDesc      = described("queues_full", "Queues that have no room.")
	fillRatioDesc = described("queue_fill_ratio", "How full the fullest queue is, from 0 to 1.")
)

// queueFill collects how full the queues of the layer are: in sum, since there may be any
// number, with names that come and go. While Redis does not answer it is not known.
type queueFill struct {
	look func(context.Context) ([]messages.QueueFacts, error)

	mu     sync.Mutex
	at     time.Time
	queues []messages.QueueFacts
	err    error
}

// queuesOf looks at the queues that the targets of a tree reach.
func queuesOf(peer layer.Peer, tree *actors.Tree) func(context.Context) ([]messages.QueueFacts, error) {
	return func(ctx context.Context) ([]messages.QueueFacts, error) { return peer.Queues(ctx, tree.Targets()) }
}

// Describe implements prometheus.Collector.
func (q *queueFill) Describe(to chan<- *prometheus.Desc) {
	to <- queuesDesc
	to <- fullDesc
	to <- fillRatioDesc
}

// Collect implements prometheus.Collector.
func (q *queueFill) Collect(to chan<- prometheus.Metric) {
	queues, err := q.read()
	if err != nil {
		return // that Redis is away others tell
	}
	full, fullest := 0, 0.0
	for _, f := range queues {
		if f.Length >= f.Capacity {
			full++
		}
		fullest = max(fullest, min(1, float64(f.Length)/float64(max(1, f.Capacity))))
	}
	to <- prometheus.MustNewConstMetric(queuesDesc, prometheus.GaugeValue, float64(len(queues)))
	to <- prometheus.MustNewConstMetric(fullDesc, prometheus.GaugeValue, float64(full))
	to <- prometheus.MustNewConstMetric(fillRatioDesc, prometheus.GaugeValue, fullest)
}

func (q *queueFill) read() ([]messages.QueueFacts, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.at.IsZero() || time.Since(q.at) > lookEvery {
		ctx, cancel := context.WithTimeout(context.Background(), lookTimeout)
		defer cancel()
		q.queues, q.err = q.look(ctx)
		q.at = time.Now()
	}
	return q.queues, q.err
}
