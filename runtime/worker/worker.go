package worker

import (
	"context"
	"log/slog"
	"time"

	"chanmqttproxy/actors"
	"chanmqttproxy/runtime/config"
)

// Worker bridges one channel layer and one MQTT broker.
type Worker struct {
	// Backoff paces reconnecting on both sides; to be set before Run.
	Backoff actors.Backoff

	config *config.Config
	log    *slog.Logger
	stats  *actors.Stats
}

// New makes a worker of a checked configuration. It connects to nothing yet.
func New(cfg *config.Config, log *slog.Logger) *Worker {
	return &Worker{config: cfg, log: log, stats: &actors.Stats{}}
}

// Stats are the worker's counters.
func (w *Worker) Stats() *actors.Stats { return w.stats }

// Run works until ctx ends; then it finishes what is under way, within the
// configured shutdown timeout, and returns nil. Neither Redis nor the broker
// needs to be there. An error means that the worker gave up because of a bug.
func (w *Worker) Run(ctx context.Context) error {
	client := newPeer(w.config, w.log)
	defer client.Close()
	foreign := newForeign(w.config, client, w.log)
	tree := actors.Start(actors.Options{
		Layer:   &commands{Peer: client, foreign: foreign, log: w.log},
		MQTT:    newBroker(w.config, client, foreign, w.log),
		Version: w.config.Broker.Version,
		Birth:   w.config.Broker.Birth,
		Backoff: w.Backoff,

		Window:           w.config.Bounds.Window,
		GroupBacklog:     w.config.Bounds.GroupBacklog,
		QueueBacklog:     w.config.Bounds.QueueBacklog,
		BacklogMemory:    int64(w.config.Bounds.BacklogMemory),
		Expiry:           w.config.Layer.Expiry,
		SubscriptionIdle: w.config.SubscriptionIdle,
		DrainTimeout:     w.drainTimeout(),
		Log:              w.log,
		Stats:            w.stats,
	})
	go tellLosses(ctx, w.stats, w.log)
	select {
	case <-tree.Done():
		return tree.Err()
	case <-ctx.Done():
	}
	w.log.Info("stopping: finishing what is under way")
	tree.Shutdown()
	select {
	case <-tree.Done():
	case <-time.After(w.config.ShutdownTimeout):
		w.log.Warn("stopped before everything was finished; the rest is kept where it came from",
			"after", w.config.ShutdownTimeout)
		return nil
	}
	logTotals(w.stats, w.log)
	return tree.Err()
}

// drainTimeout leaves time for closing connections.
func (w *Worker) drainTimeout() time.Duration {
	return w.config.ShutdownTimeout * 4 / 5
}
