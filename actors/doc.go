// Package actors is the worker as a tree of supervised actors:
//
//	bridge                   starts and stops the others, in order
//	├── router               owns the table of routes: which filter serves which targets
//	│   ├── subscription:... passes on what one filter matches
//	│   ├── group:alerts     writes to one group, in order, what waits for it
//	│   └── channel:...      the same for one channel; stream:... for one stream
//	├── requests             keeps the requests that wait for responses
//	├── registry             keeps the subscriptions, or the slot's status, in Redis
//	├── broker               keeps a session: attempts, outbox, filters
//	│   └── session          owns one live MQTT connection and dies with it
//	└── reader               keeps the commands that are under way (slot 0)
//	    └── receiver         reads the command channel at one host, on a connection that it dies with
//
// An actor is a shell. What it decides stands in the packages below this one, which the
// README of this folder lists.
//
// A message in: session → router → each matching subscription → group → Layer. A
// command: receiver → reader → router → subscription or broker → session.
//
// # Order
//
// Each arrow above is one mailbox, and a mailbox keeps the order of one sender.
// A target gets a message through one subscription only, the one of those that
// match in which it has been for the longest, so that messages of one topic take
// one way to one target. The way changes only when a target leaves a filter; the
// router then holds what comes until that subscription has passed on all it had. The
// actor of a target, which the router makes when something goes to it first, is stopped
// only when no filter serves it and it has written all.
//
// Every message visits the router, and so stays behind the subscribe before it.
//
// Retained messages come when a filter is subscribed to again, for its recipients (see
// package retained) only. They take the same way as live messages of their topic, and a
// group withholds one from a recipient if a live message of its topic came before
// it that the router saw after the recipient. What is held back for its time
// (MinInterval) goes on only as the newest of its topic.
//
// One gap is left: where the broker sends a copy for each of several filters,
// and a target leaves the filter of its way after the copy of the other filter
// came and before that of its own, it misses that one message.
//
// # Several session slots
//
// There is a bridge with its actors for each slot; that of the first alone reads commands.
// From a subscribe to its answer:
//
//	reader → router of slot 0 → registry (Redis) → mirror → router of the filter's slot → broker → its registry (status in Redis) → mirror → router of slot 0 → reader
//
// The mirror (one for all slots of a process, and no actor) follows the registry, which
// says what is wanted and over how many slots, and the statuses, in which each slot says
// what its broker has answered. Every router compares them with what it has, whatever
// happened in between; no slot tells another anything. What follows from them, and what a
// late write of a former holder can do, says package placement. Slot 0 alone writes the
// registry. A slot that is the only one does without all this.
//
// The slot of the streams stands beside them, in the process of the first, with a registry of
// its own. Its commands are read, kept, answered and acknowledged by the first one's reader,
// and carried out by its router. It runs while a stream is subscribed to.
//
// # Loss
//
// A delivery carries a token and a weight. Whoever passes it on splits the
// weight, and whoever is done with its part gives that part back to the broker
// actor, which has the message acknowledged when the parts are whole again. It
// does not matter whether the connection that brought it still lives. A delivery
// that makes its actor panic is given back as well: it is counted and never
// comes again. Commands stay in Redis until they took effect, and until their
// answers are written where their senders want one: the reader acknowledges them
// when it is told Done, and Answered. Answers go the way of messages, through the
// actor of the channel that they are for.
//
// What is held back for another slot is given back undone when the slot stops: it is not
// acknowledged, and comes again to the next holder of the session.
//
// What is held back for its time, or waits for a queue without room, was given
// back before, so that it does not exhaust the broker's receive maximum. A graceful stop passes
// the former on; a worker that is killed loses both.
//
// # Failure
//
// A lost connection is a typed failure (messages.SessionFailure,
// messages.LayerFailure). Its owner panics with it and is restarted, forever;
// the delay before the next attempt is taken inside the new incarnation, so
// that sockets are closed at once and stopping stays prompt. A server that does not
// seem to speak MQTT 5 is such a failure too: the session is restarted at once, and
// tries 3.1.1. What a server speaks is remembered by whoever dials (MQTT.Dial).
// How long to wait is decided by package reconnect, for all that is tried again, and
// which publishes are sent again by package outbox.
//
// A broker that closes the connection on a SUBSCRIBE, or does not answer it, is met by
// the broker actor, which asks package reconcile what to send next: the filter that is
// found to be the reason is refused, and the others are asked for again at once.
//
// Any other panic is a bug. The actor goes on with its next message and its
// state; a subscription or group that fails again and again, or as it starts, is restarted
// empty; any other actor that does so, the bridge too, stops the worker with an error. One that was made
// to fail by hand (Tree.Restart) is restarted where that is harmless, else it
// goes on with its state; that is no bug, however often.
//
// # Seeing
//
// Every actor is counted by what wraps it, at some ten nanoseconds a message, and
// answers messages.Inspect with its facts. Tree.Watch and its like look at the
// counters without asking anybody. A message that is followed (Tree.Trace) carries
// the number of its trace, and each who handles it adds a step; all others cost one
// look at a pointer. A message with a Span is in an OpenTelemetry trace, which is
// made outside, at the ports: of that the actors tell only Options.Settled.
package actors
