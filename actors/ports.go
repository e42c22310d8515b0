package actors

import (
	"context"

	"chanmqttproxy/messages"
)

// Conn is one live MQTT connection of any protocol version. MQTT makes it. It never
// reconnects: when it is lost it calls its Sink once, and only Close may follow.
//
// All methods may be called from any goroutine. None of them waits for the
// Sink, and the Sink may be called while they run.
type Conn interface {
	// Info is the CONNACK of the connection.
	Info() messages.Connack

	// Subscribe sends one SUBSCRIBE packet for all filters and waits for its SUBACK. The
	// codes are in the order of the filters: the granted QoS, or 0x80 and above where the
	// broker refused the filter. An error means that the outcome is unknown, since the
	// connection was lost or ctx ended. After context.DeadlineExceeded the connection lives,
	// but no answer came in the time that the Conn allows for it.
	// Under MQTT 5 the broker sends the retained messages of the filters that are Retained,
	// also if it has the subscription already (retain handling 0), and of no others (2).
	// Under 3.1.1 it sends those of all. They have Message.Retain. They may come before or
	// after the SUBACK, but before what is published to their topic later at the same QoS.
	Subscribe(ctx context.Context, filters []messages.Desired) ([]byte, error)

	// Unsubscribe sends one UNSUBSCRIBE packet and waits for its UNSUBACK.
	Unsubscribe(ctx context.Context, filters []string) error

	// Publish sends a message, in the order of the calls. It may wait while the broker's
	// receive maximum or the socket is full, but not for the acknowledgement. Sink.Published
	// is called once for each receipt, when the publish took effect (QoS 0: written; QoS 1:
	// PUBACK; QoS 2: PUBCOMP) or was refused. After an error or a loss, the receipts without
	// that call are unsettled: publish them again on the next connection, before others, or
	// not at all.
	Publish(ctx context.Context, p messages.Publish) error

	// Close sends DISCONNECT if the connection still lives, and closes it. It is bounded in
	// time and may be called twice. It does not call the Sink.
	Close()
}

// Sink has the callbacks of a Conn. They never block, and each is called by one goroutine
// at a time.
type Sink interface {
	// Received is called for every message in the order of arrival. seq counts them from 1
	// through all Conns of one MQTT. The message belongs to the Sink. What the broker
	// repeats on a new connection is not received again while its first delivery is not
	// acknowledged. Nothing is received while too many deliveries of QoS 1 and 2 are not
	// acknowledged. It returns false if the Sink does not take the message, and will not
	// acknowledge it.
	Received(seq uint64, identifiers []uint32, m *messages.Message) bool
	// Published is called as Conn.Publish says.
	Published(p messages.Published)
	// Lost is called once, when the connection ends other than by Close. The
	// error is a *messages.ConnectionFailure.
	Lost(err error)
}

// MQTT makes Conns, one at a time. It keeps the session state of MQTT (the packet ids in
// flight) from one to the next.
type MQTT interface {
	// Dial makes a Conn that speaks the given version, or MQTT311 if that is MQTT5 and
	// the broker is known not to speak it. It decides how long to wait for an answer. Its
	// errors are *messages.ConnectionFailure. After one with Next call Dial again at once: it
	// tries that version.
	Dial(ctx context.Context, version messages.Version, sink Sink) (Conn, error)

	// Ack acknowledges deliveries of QoS 1 and 2 to the broker, on the live Conn or, when
	// the broker repeats them, on the next. It never blocks. Calls may come in any order;
	// the packets are sent in the order of arrival [MQTT-4.6.0-2].
	Ack(seqs ...uint64)
}

// CommandReader reads commands from one host, on one live connection. It never reconnects:
// after its first error only Close may follow. The next one receives what it leaves.
type CommandReader interface {
	// Receive waits until the command channel holds something, and takes at most limit
	// messages, oldest first. They stay in Redis, where others do not see them, until
	// Layer.Acknowledge: the next worker finds those of one that died, and receives them
	// first. Errors are *messages.LayerFailure.
	Receive(ctx context.Context, limit int) ([]messages.Received, error)

	// Close ends reading. It may be called twice, and while Receive waits.
	Close()
}

// Layer is the Django side: the command channel and the groups.
type Layer interface {
	// Hosts are the names of the Redis servers that have the command channel. Each needs a
	// CommandReader.
	Hosts() []string

	// OpenReader connects to one of them, by its index. lost is called at most once: when
	// the connection fails before Close. Its error, and that of OpenReader, is a
	// *messages.LayerFailure.
	OpenReader(ctx context.Context, host int, lost func(error)) (CommandReader, error)

	// Acknowledge removes received messages from Redis.
	Acknowledge(ctx context.Context, receipts []messages.Receipt) error

	// AddDeadLetters moves received messages to the dead letters. The newest of these are
	// kept. It is atomic for each message and may be repeated.
	AddDeadLetters(ctx context.Context, letters []messages.DeadLetter) error

	// Send writes the events in their order for every live member of the target, as
	// group_send or send of channels_redis do, or for the channels in Only. Calls for one
	// target must not overlap. Calls for different targets may, and share round trips. After
	// an error the call may be repeated with the same batch: nothing is written twice, as
	// long as it is still unread.
	Send(ctx context.Context, b *messages.Batch) (messages.Outcome, error)

	// Restore returns what is stored: the subscriptions, the filters marked as leaving, and
	// those that the MQTT broker has refused.
	Restore(ctx context.Context) (messages.Restored, error)

	Writer

	// Intact says whether Redis still holds what Restore has returned and Write has changed
	// since. It compares the number of entries and the last change.
	Intact(ctx context.Context) (bool, error)

	// Live says for each target whether somebody may be listening: the group has a member
	// whose membership has not expired, or the queue of the channel is being read.
	Live(ctx context.Context, targets []messages.Target) ([]bool, error)
}

// Registry reads the tables of the session slots: see messages.Page.
type Registry interface {
	// Follow reads what has changed in the registry and in the statuses of the slots since
	// the positions: known[0] is that of the registry, known[1+k] that of slot k. If nothing
	// has changed it waits for a change or the end of ctx (wait), or returns nothing. Pages
	// of one table are in order. If Redis has lost a table, there is no page of it until its
	// writer has written it again as a whole. Errors are *messages.LayerFailure.
	Follow(ctx context.Context, known []messages.Position, wait bool) ([]messages.Page, error)
}

// Writer writes the tables of a slot, under its fence.
type Writer interface {
	// Write changes the status of the slot, and the registry if the slot is the first: all
	// changes or none. It fails if another worker has taken the slot. It returns the number
	// of the last change of the registry, or 0 if it changed the status only. It may be
	// repeated. If Redis has lost what was written before, it fails until Intact has
	// reported that; then everything must be written again.
	Write(ctx context.Context, changes []messages.Change) (number uint64, err error)
}
