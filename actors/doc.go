// Package actors is the worker as a tree of supervised actors:
//
//	bridge                   starts and stops the others, in order
//	├── router               owns the table of routes: which filter serves which targets
//	│   ├── subscription:... passes on what one filter matches, and holds back; while it has to
//	│   ├── group:alerts     is the fanout of one group: it writes its messages, in order
//	│   └── channel:...      the same for one channel; stream:... for one stream
//	├── requests             keeps the requests that wait for responses
//	├── store                stores the subscriptions, or the slot's status, in Redis
//	├── session              keeps what outlives a connection: attempts, outbox, filters
//	│   └── connection       is one live MQTT connection, and fails with it
//	└── commands             keeps the commands that are under way (slot 0)
//	    └── reader           reads the command channel of one Redis host, and fails with its connection
//
// An actor is a shell. The decisions are made by the packages below this one: see the
// README of this folder.
//
// A message in: connection → router → each matching subscription → fanout → Layer. A command:
// reader → commands → router → subscription or session → connection.
//
// A subscription is a row of the router's table, and the router itself passes its messages on.
// It has an actor while a window of its MinInterval is open, while recipients wait for retained
// messages, and after a message to more than eight subscribers. After one or two minutes
// without a need the actor is stopped. So 100,000 subscriptions take little memory. The tree
// shows them all, and what each has passed on.
//
// # Order
//
// Each arrow above is one mailbox, and a mailbox keeps the order of one sender. The actor of a
// subscription is stopped only when it has passed on all that has gone to it.
// A target gets a message through one subscription only: of those that match, the one that
// it joined first. So all messages of a topic take the same path to a target. The path
// changes only when the target leaves that filter. The router then holds all deliveries
// until the subscription has passed on what it had. The router makes the actor of a target
// when the first message goes to it, and stops it when no filter serves the target and
// everything is written.
//
// Every message passes the router, and so stays behind the subscribe before it.
//
// Retained messages come when a filter is subscribed to again, and go to its recipients
// only (see package retained). They take the same path as live messages of their topic. A
// fanout does not write one to a recipient if it has had a live message of the topic that
// the router saw after the recipient. Of what is held back (MinInterval) only the newest of
// each topic goes on.
//
// One gap is left. A broker may send a copy for each of several filters. A target that
// leaves the filter of its path after the copy of another filter, and before that of its
// own, misses that one message.
//
// # Several session slots
//
// Each slot has a bridge with its actors. Only the first slot reads commands. From a
// subscribe to its answer:
//
//	commands → router of slot 0 → store (registry in Redis) → mirror → router of the filter's slot → session → its store (status in Redis) → mirror → router of slot 0 → commands
//
// The mirror is no actor, and there is one for all slots of a process. It follows two kinds
// of tables in Redis: the registry says what is wanted, and over how many slots; the status
// of each slot says what its broker has answered. Every router compares the tables with
// what it has. Slots do not send each other messages. Package placement decides what
// follows from the tables, and says what a late write of a former holder can do. Only slot
// 0 writes the registry. None of this runs where there is one slot only.
//
// The slot of the streams runs beside them, in the process of the first slot, while a stream
// is subscribed to. It has tables of its own. The commands actor of the first slot reads its
// commands, keeps, answers and acknowledges them; its own router carries them out.
//
// # Loss
//
// A delivery carries a token and a weight. An actor that passes it on splits the weight. An
// actor that is done with its part gives the part back to the session, which has the
// message acknowledged when the parts are whole again, whether or not the connection that
// brought it still lives. A delivery that makes its actor panic is given back as well: it is
// counted and does not come again.
//
// A command stays in Redis until it took effect and its answer, if one is wanted, is
// written: the commands actor acknowledges it after Done and ReplyWritten. An answer goes through
// the router and the actor of its channel, like a message.
//
// What is held back for another slot is given back undone when the slot stops. It is not
// acknowledged, and comes again to the next holder of the session.
//
// What is held back for its MinInterval, or waits in an overflow queue, is given back
// before, so that it does not exhaust the broker's receive maximum. A graceful stop passes
// on what waits for its MinInterval. A worker that is killed loses both.
//
// # Failure
//
// A lost connection is a typed failure (messages.ConnectionFailure, messages.LayerFailure). Its
// owner panics with it and is restarted, without limit. The new incarnation waits before its
// attempt, so sockets are closed at once and stopping stays prompt. A server that does not
// seem to speak MQTT 5 is such a failure too: the connection is restarted at once and tries
// 3.1.1. MQTT.Dial remembers which version a server speaks. Package reconnect decides how
// long to wait, for everything that is tried again, and package outbox which publishes are
// sent again.
//
// Where a broker closes the connection on a SUBSCRIBE, or does not answer it, package
// reconcile decides what the session sends next. It finds the filter that is the
// reason; that filter is refused, and the others are asked for again at once.
//
// Any other panic is a bug. The actor keeps its state and goes on with its next message. A
// subscription or fanout that fails again and again, or as it starts, is restarted empty. Any
// other actor that does so, also the bridge, stops the worker with an error. Tree.Restart
// makes an actor fail on purpose: it is restarted where that is harmless, else it goes on
// with its state. That is not counted as a bug.
//
// # Observing
//
// A wrapper counts what every actor does, which costs some ten nanoseconds a message. Every
// actor answers messages.Inspect with its info. Tree.Watch and its like read the counters
// without sending anything. A message that is followed (Tree.Trace) carries the number of
// its trace, and each actor that handles it adds a step; for all others a pointer is read.
// A message with a Span is in an OpenTelemetry trace. That is made outside, at the ports:
// the actors only call Options.Settled.
package actors
