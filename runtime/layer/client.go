package layer

import (
	"context"
	"log/slog"
	"time"

	"chanmqttproxy/messages"
)

// Client is one client of a channel layer: a Core or a PubSub, whose methods say
// what they promise.
type Client interface {
	Hosts() []string
	OpenReader(ctx context.Context, host int, lost func(error)) (CommandReader, error)
	Acknowledge(ctx context.Context, receipts []messages.Receipt) error
	AddDeadLetters(ctx context.Context, letters []messages.DeadLetter) error
	Send(ctx context.Context, b *messages.Batch) (messages.Outcome, error)
	Live(ctx context.Context, targets []messages.Target) ([]bool, error)

	Restore(ctx context.Context) (messages.Restored, error)
	Write(ctx context.Context, changes []messages.Change) (uint64, error)
	Intact(ctx context.Context, clientID, session string) (bool, error)
	Follow(ctx context.Context, known []messages.Position, wait bool) ([]messages.Page, error)

	Queues(ctx context.Context, targets []messages.Target) ([]messages.QueueInfo, error)
	Attend(ctx context.Context) error
	Join(ctx context.Context, group string) error
	Leave(ctx context.Context, group string) error
	Discard(ctx context.Context) error

	Ping(ctx context.Context) error
	Check(ctx context.Context) (Report, error)
	Prefixes(ctx context.Context) (map[string]int, error)

	Lease(ctx context.Context, ask messages.LeaseAsk) (messages.LeaseAnswer, error)
	Leases(ctx context.Context) (messages.LeaseAnswer, error)

	Streams(ctx context.Context) ([]messages.StreamInfo, error)
	StreamLetters(ctx context.Context, stream string, offset, limit int) (page []DeadLetter, total int, err error)
	DropStreamLetters(ctx context.Context, stream string, ids ...string) (int, error)
	RequeueStreamLetters(ctx context.Context, stream string, ids ...string) (int, error)
	StreamsWanted(ctx context.Context) (bool, error)

	ClientID(ctx context.Context, known string) (string, error)
	KnownSession(ctx context.Context, clientID string) (bool, error)
	RememberSession(ctx context.Context, clientID string) error

	DeadLetters(ctx context.Context, offset, limit int) (page []DeadLetter, total int, err error)
	OldestDeadLetter(ctx context.Context) (count int, since time.Time, err error)
	DropDeadLetters(ctx context.Context, ids ...string) (int, error)
	RequeueDeadLetters(ctx context.Context, ids ...string) (int, error)

	Stats() Stats
	Close()
}

// Open makes a client of a layer of the back end that the configuration names, as
// NewCore and NewPubSub do.
func Open(config Config, log *slog.Logger) Client {
	if config.PubSub {
		return NewPubSub(config, log)
	}
	return NewCore(config, log)
}
