package worker

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/config"
	"chanmqttproxy/runtime/devpage"
	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/runtime/logs"
	"chanmqttproxy/runtime/mqtt"
	"chanmqttproxy/runtime/slots"
	"chanmqttproxy/runtime/systemd"
)

// Worker bridges one channel layer and one MQTT broker.
type Worker struct {
	// Backoff is for reconnecting on both sides. Set it before Run.
	Backoff actors.Backoff
	// Version is that of the program, for the metrics.
	Version string
	// Manager gets the state of the worker.
	Manager systemd.Manager

	// Logs is the queue of the log, for the metrics; nil: there is none.
	Logs *logs.Queue

	// Development, if set, is for a worker of the dev command.
	Development *Development

	config   *config.Config
	log      *slog.Logger
	stats    *actors.Stats
	trips    *actors.Histogram // round trips to the MQTT broker
	skipped  *mqtt.Skipped
	listener net.Listener
	lines    *devpage.Log

	announced atomic.Bool // the service manager knows that the worker is ready
	changing  sync.Mutex  // held while the rules change, and while a slot starts by them
	rules     atomic.Pointer[messages.Rules]
	running   atomic.Pointer[actors.Tree] // the tree, for those who come before it
	tree      *actors.Tree
	clients   clients
	streaming atomic.Pointer[streaming] // that of the last time that the first slot was held
	refusals  layer.Refusals
	clientID  atomic.Pointer[string] // of the last slot that was held
	keeper    *slots.Keeper
	tracing   *tracing // nil: messages are not traced
}

// New makes a worker for a valid configuration. It connects to nothing yet.
func New(cfg *config.Config, log *slog.Logger) *Worker {
	lines := devpage.NewLog()
	w := &Worker{config: cfg, log: slog.New(lines.Handler(log.Handler())), lines: lines, stats: &actors.Stats{}, trips: &actors.Histogram{}, skipped: &mqtt.Skipped{}}
	rules := rulesOf(cfg)
	w.rules.Store(&rules)
	return w
}

// Stats are the worker's counters.
func (w *Worker) Stats() *actors.Stats { return w.stats }

// Run runs the worker until ctx ends. Then it finishes what is under way, within the configured shutdown
// timeout, and returns nil. Neither Redis nor the broker needs to be there. An error means that the
// worker gave up because of a bug, or that HTTP_LISTEN is taken.
func (w *Worker) Run(ctx context.Context) error {
	if err := w.listen(); err != nil {
		return err
	}
	c := LayerConfig(w.config)
	c.Refusals = &w.refusals
	client := layer.Open(c, w.logOf("layer"))
	defer client.Close()
	w.tree = actors.New(actors.Options{Registry: client, Count: w.config.HTTP.Count, Log: w.logOf("actors"), Stats: w.stats})
	w.running.Store(w.tree)
	w.tracing = w.startTracing()
	w.keeper = w.newKeeper(client)
	ended := make(chan struct{})
	defer w.serve(client)()
	w.notify(ended)
	go logLosses(ctx, w.stats, w.log)
	var err error
	go func() {
		defer close(ended)
		err = w.keeper.Run(ctx)
	}()
	select {
	case <-ended:
		return err
	case <-ctx.Done():
		w.log.Info("stopping: finishing the work that has begun")
	}
	deadline := time.Now().Add(w.config.ShutdownTimeout)
	select {
	case <-ended:
		logTotals(w.stats, w.log)
		w.stopTracing(deadline)
		return err
	case <-time.After(time.Until(deadline)):
		w.log.Warn("stopped before everything was finished; the rest stays in Redis or at the broker",
			"after", w.config.ShutdownTimeout)
		return nil
	}
}

// options are the options of the actors of a slot. Only the first slot publishes, and reports the state to
// the status group.
func (w *Worker) options(slot int) actors.Options {
	bounds := w.config.Bounds
	o := actors.Options{
		Slot:             slot,
		ReceiveMaximum:   int(w.config.Broker.ReceiveMaximum),
		Version:          w.config.Broker.Version,
		Birth:            w.config.Broker.Birth,
		Window:           bounds.Window,
		CommandMemory:    int64(bounds.CommandMemory),
		GroupBacklog:     bounds.GroupBacklog,
		QueueBacklog:     bounds.QueueBacklog,
		BacklogMemory:    int64(bounds.BacklogMemory),
		Expiry:           w.config.Layer.Expiry,
		SubscriptionIdle: w.config.SubscriptionIdle,
		SubscribeBatch:   w.config.Broker.SubscribeBatch,
		MaxSubscriptions: w.config.Bounds.MaxSubscriptions,
		Backoff:          w.backoff(),
		StatusGroup:      w.config.StatusGroup,
		Rules:            *w.rules.Load(),
		DrainTimeout:     w.drainTimeout(),
		Log:              w.logOf("actors"),
	}
	if slot != 0 {
		o.Birth, o.StatusGroup = nil, ""
		o.Log = o.Log.With("slot", messages.SlotName(slot))
	}
	if slot == messages.StreamSlot { // what a full stream does not take is safe at the MQTT broker
		o.DrainTimeout = min(o.DrainTimeout, streamDrain)
	}
	return o
}

// backoff is the configured delay between attempts.
func (w *Worker) backoff() actors.Backoff {
	b := w.Backoff
	if b.Max == 0 {
		b.Max = w.config.Broker.ReconnectMax
	}
	return b
}

// logOf is the logger of a component.
func (w *Worker) logOf(component string) *slog.Logger { return w.log.With(logs.Component, component) }

// drainTimeout leaves time for closing connections.
func (w *Worker) drainTimeout() time.Duration {
	return w.config.ShutdownTimeout * 4 / 5
}
