package actors

import (
	"context"

	"chanmqttproxy/messages"
)

// Session is one live MQTT connection, whatever the protocol version. It is
// made by MQTT and is never reconnected: when it is lost it tells its Sink once
// and is good for nothing but Close.
//
// All methods may be called from any goroutine. None of them waits for the
// Sink, and the Sink may be called while they run.
type Session interface {
	// Info is what the broker said when it accepted the connection.
	Info() messages.SessionInfo

	// Subscribe sends one SUBSCRIBE packet for all filters and waits for its
	// SUBACK. The codes are in the order of the filters: the granted QoS, or
	// 0x80 and above where the broker refused that filter. An error means that
	// the outcome is unknown: the connection was lost, ctx ended, or, where it is
	// context.DeadlineExceeded, no answer came in the time that the Session allows
	// for it, and the connection lives.
	// Under MQTT 5 the broker sends the retained messages of those that are
	// Retained, also where it has the subscription already (retain handling 0),
	// and of no others (2); under 3.1.1 of all. They come with Message.Retain, in
	// any order with the SUBACK, but each before what is published to its topic
	// later, at the same QoS.
	Subscribe(ctx context.Context, filters []messages.Want) ([]byte, error)

	// Unsubscribe sends one UNSUBSCRIBE packet and waits for its UNSUBACK.
	Unsubscribe(ctx context.Context, filters []string) error

	// Publish sends a message; calls are sent in the order in which they are
	// made. It may wait while the broker's receive maximum or the socket is
	// full, and does not wait for acknowledgements: Sink.Published tells of
	// each receipt exactly once when it took effect (QoS 0: written; QoS 1:
	// PUBACK; QoS 2: PUBCOMP) or was refused. After an error, or a loss, the
	// receipts not reported are unsettled: they are to be published again on the
	// next connection before others, or not at all.
	Publish(ctx context.Context, p messages.Publish) error

	// Close sends DISCONNECT where the connection still lives and closes it.
	// It is bounded in time and may be called twice. The Sink is not told.
	Close()
}

// Sink hears what a Session has to tell. Its methods never block, and each is
// called by one goroutine at a time.
type Sink interface {
	// Received is called for every message in the order of arrival. seq counts
	// them from 1 through all Sessions of one MQTT; the message is the Sink's
	// own. What the broker repeats on a new connection is not received again
	// while its first delivery is not acknowledged. While too many deliveries
	// of QoS 1 and 2 are not acknowledged, nothing is received at all. false:
	// the Sink does not take the message and will not acknowledge it.
	Received(seq uint64, identifiers []uint32, m *messages.Message) bool
	// Published is called as Session.Publish says.
	Published(p messages.Published)
	// Lost is called once, when the connection ends other than by Close. The
	// error is a *messages.SessionFailure.
	Lost(err error)
}

// MQTT makes Sessions, one at a time, and keeps what MQTT calls the session
// state (the packet ids in flight) from one to the next.
type MQTT interface {
	// Dial makes a Session that speaks the given version or, where that is MQTT5 and
	// the broker is known not to speak it, MQTT311. It decides itself how long to wait
	// for an answer. Its errors are *messages.SessionFailure and say whether the broker
	// refuses us or cannot be reached; one with Next is to be followed by another Dial
	// at once, which tries that version.
	Dial(ctx context.Context, version messages.Version, sink Sink) (Session, error)

	// Ack lets deliveries of QoS 1 and 2 be acknowledged to the broker, on the
	// live Session or, when the broker repeats them, on the next. It never
	// blocks. Calls may come in any order; the packets are sent in the order of
	// arrival [MQTT-4.6.0-2].
	Ack(seqs ...uint64)
}

// CommandReader is one live connection to one host, from which commands are read. It is never
// connected again: after its first error it is good for nothing but Close. What it leaves
// behind the next one has.
type CommandReader interface {
	// Receive waits until the command channel holds something and takes at
	// most limit messages, oldest first. They stay in Redis, out of sight of
	// others, until Layer.Acknowledge: a worker that dies finds them again. It
	// returns what a dead predecessor left in flight first. Errors are
	// *messages.LayerFailure.
	Receive(ctx context.Context, limit int) ([]messages.Received, error)

	// Close ends reading. It may be called twice, and while Receive waits.
	Close()
}

// Layer is the Django side: the command channel and the groups.
type Layer interface {
	// Hosts are the names of the Redis servers that have the command channel, each of which
	// is read by a CommandReader of its own.
	Hosts() []string

	// OpenReader connects to one of them, by its index. lost is called at most once: when
	// the connection fails, other than by Close. Its error, and that of OpenReader, is a
	// *messages.LayerFailure.
	OpenReader(ctx context.Context, host int, lost func(error)) (CommandReader, error)

	// Acknowledge lets received messages leave Redis for good.
	Acknowledge(ctx context.Context, receipts []messages.Receipt) error

	// Bury moves received messages to the dead letters, of which the newest are
	// kept. It is atomic for each message and may be repeated.
	Bury(ctx context.Context, burials []messages.Burial) error

	// Send writes the events, in their order, for every live member of the
	// target, as channels_redis's group_send or send do, or for the channels in
	// Only. Calls for one target
	// must not overlap; calls for different targets may, and share round trips.
	// After an error the call may be repeated with the same batch: what was
	// written already is not written twice as long as it is still unread.
	Send(ctx context.Context, b *messages.Batch) (messages.Outcome, error)

	// Restore returns the subscriptions that are stored, the filters that are marked
	// as leaving, and those that the MQTT broker has refused.
	Restore(ctx context.Context) (messages.Restored, error)

	Writer

	// Intact says whether Redis still holds what Restore has returned, and what Write
	// has changed since, as far as the number of entries and the last change show.
	Intact(ctx context.Context) (bool, error)

	// Live says for each target whether somebody may be listening: a group with
	// a member whose membership has not expired, or a channel whose queue is
	// being read.
	Live(ctx context.Context, targets []messages.Target) ([]bool, error)
}

// Registry is what all session slots agree on, as every worker reads it: see
// messages.Page. What a slot writes it writes under its fence.
type Registry interface {
	// Follow reads what has changed in the registry and in the statuses of the slots
	// beyond the positions: known[0] is that of the registry, known[1+k] that of slot k.
	// If wait it waits until there is something, or ctx ends; else it returns nothing where
	// nothing has changed. Pages of one table are in their order. Where Redis has lost a
	// table there is no page of it until its writer has written it again, as a whole.
	// Errors are *messages.LayerFailure.
	Follow(ctx context.Context, known []messages.Position, wait bool) ([]messages.Page, error)
}

// Writer is what a slot writes of that.
type Writer interface {
	// Write changes the registry, if the slot is the first, and the status of the slot: all
	// or nothing. It is refused if another has taken the slot meanwhile. It returns the
	// number of the last change of the registry, higher than all before where that was
	// changed; of a status alone 0. It may be repeated. Where Redis has lost what was written
	// before it is refused until Intact has said so; all is to be written then.
	Write(ctx context.Context, changes []messages.Change) (number uint64, err error)
}
