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

// The queues are read at a scrape, at most once in lookEvery, and for lookTimeout at most.
const (
	lookEvery   = time.Second
	lookTimeout = time.Second
)

var (
	queuesDesc    = described("queues", "Queues in Redis that subscriptions reach: those of the site's processes, and of channels, and streams.")
	fullDesc      = described("queues_full", "Queues that have no room.")
	fillRatioDesc = described("queue_fill_ratio", "How full the fullest queue is, from 0 to 1.")
)

// queueFill collects how full the queues of the layer are. It sums them up, since there may be any
// number, with changing names. It collects nothing while Redis does not answer.
type queueFill struct {
	look func(context.Context) ([]messages.QueueInfo, error)

	mu     sync.Mutex
	at     time.Time
	queues []messages.QueueInfo
	err    error
}

// queuesOf reads the queues that the targets of a tree reach.
func queuesOf(client layer.Client, tree *actors.Tree) func(context.Context) ([]messages.QueueInfo, error) {
	return func(ctx context.Context) ([]messages.QueueInfo, error) { return client.Queues(ctx, tree.Targets()) }
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
		return // another metric shows that Redis is unreachable
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

func (q *queueFill) read() ([]messages.QueueInfo, error) {
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
