package worker

import (
	"context"
	"time"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/command"
	"chanmqttproxy/runtime/config"
	"chanmqttproxy/runtime/layer"
)

// layerPort is the layer as the actors see it: a layer.Client whose messages are decoded.
type layerPort struct {
	*sessions
	decoder command.Decoder
	wait    func(context.Context) error // until the slot is held
}

// leaseWait is how long OpenReader waits until the slot is held.
const leaseWait = time.Second

// OpenReader connects once Redis answers and the slot is held: nothing may be read before.
func (l *layerPort) OpenReader(ctx context.Context, host int, lost func(error)) (actors.CommandReader, error) {
	if err := l.awaitSlot(ctx); err != nil {
		return nil, err
	}
	r, err := l.Client.OpenReader(ctx, host, lost)
	if err != nil {
		return nil, err
	}
	return reader{r, l.decoder}, nil
}

// awaitSlot returns as soon as Redis answers and the slot is held. Errors are
// *messages.LayerFailure.
func (l *layerPort) awaitSlot(ctx context.Context) error {
	if err := l.Client.Ping(ctx); err != nil {
		return err
	}
	waiting, stop := context.WithTimeout(ctx, leaseWait)
	defer stop()
	err := l.wait(waiting)
	if err == nil {
		return nil
	}
	if ctx.Err() == nil {
		err = errUnheld
	}
	return &messages.LayerFailure{Doing: "waiting for the lease of the session slot", Answered: true, Err: err}
}

// reader is a CommandReader whose messages are decoded.
type reader struct {
	layer.CommandReader
	decoder command.Decoder
}

// Receive receives and decodes messages.
func (r reader) Receive(ctx context.Context, limit int) ([]messages.Received, error) {
	taken, err := r.CommandReader.Receive(ctx, limit)
	received := make([]messages.Received, len(taken))
	for i, m := range taken {
		received[i] = decodeMessage(m, r.decoder)
	}
	return received, err
}

// LayerConfig is the configuration of the channel layer.
func LayerConfig(cfg *config.Config) layer.Config {
	return layer.Config{
		PubSub:      cfg.Layer.PubSub,
		Hosts:       hosts(cfg.Layer.Hosts),
		Prefix:      &cfg.Layer.Prefix,
		Expiry:      int(cfg.Layer.Expiry / time.Second),
		GroupExpiry: int(cfg.Layer.GroupExpiry / time.Second),
		Capacity:    cfg.Layer.Capacity,
		Capacities:  patterns(cfg.Layer.Capacities),

		EncryptionKeys:     cfg.Layer.EncryptionKeys,
		Serializer:         cfg.Layer.Serializer,
		RandomPrefixLength: &cfg.Layer.RandomPrefix,

		Channel:     cfg.Channel,
		MaxElements: cfg.Bounds.CommandElements,
		DeadLetters: cfg.Bounds.DeadLetters,

		DeadLetterBytes:      cfg.Bounds.DeadLetterBytes,
		DeadLetterTotalBytes: cfg.Bounds.DeadLetterTotal,
		DeadLetterAge:        cfg.Bounds.DeadLetterAge,

		CommandMemory: cfg.Bounds.CommandMemory,

		StreamPartitions: cfg.Bounds.StreamPartitions,
		StreamMessages:   cfg.Bounds.StreamMessages,
		StreamBytes:      cfg.Bounds.StreamBytes,
	}
}

func patterns(list []config.Capacity) []layer.Pattern {
	patterns := make([]layer.Pattern, len(list))
	for i, c := range list {
		patterns[i] = layer.Pattern{Glob: c.Pattern, Regexp: c.Regexp, Capacity: c.Capacity}
	}
	return patterns
}

func hosts(list []config.Host) []layer.Host {
	hosts := make([]layer.Host, len(list))
	for i, h := range list {
		hosts[i] = layer.Host(h)
	}
	return hosts
}
