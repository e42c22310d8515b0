// Package placement decides which session slot does what for a filter: who subscribes to
// it, who holds back what comes of it, who may leave it, and which of several slots
// delivers a message to a target.
//
// A View is what one process knows of the tables in Redis: the registry says what is wanted
// and over how many slots filters are spread (the layouts, numbered by epochs); the status of
// each slot says what the MQTT broker has answered there, and what the slot has left. A View
// may be behind Redis, and behind or ahead of another's. Every rule is right all the same: it
// waits for something that was written and is never taken back.
//
//   - Moving. The owner, the slot that the newest layout gives a filter, subscribes at once.
//     It holds back what comes while another slot may have the filter by an older layout.
//
//   - Leaving. A former owner leaves when the owner has the broker's answer, and every slot
//     acts by the newest layout. It unsubscribes, waits until nothing waits for it at the broker
//     (see Markers), hands over all that it has received, and says so: for that mark the owner
//     waits. A lease that ran out is none: the next holder
//     of the slot resumes the session and comes to the same.
//
//   - Layouts. The next one waits until all has moved, so a filter has at most one former
//     owner; and until the slots have said what a slot that was alone, or an older version,
//     has left in their sessions.
//
//   - Overlaps. A target that several filters match, in several slots, gets a message by the
//     lowest slot whose filter was granted for it and is not moving. A slot leaves a message
//     to another only if it knew of that when it sent the last marker that is back. What comes
//     before may have waited, at the broker or in a process that was stopped, since before the
//     other's subscription.
//
//   - Ending. A subscription on which another slot may rely does not go at once when it is
//     unsubscribed. The registry says that it ends, and no slot leaves a message to it any
//     more. When all have said that they know, the slots that serve it by the newest layout
//     hand over what had come, up to a marker, and say so, and it is taken out. Until then the
//     target still gets what the filter matches.
//
//   - Forgetting. With a connection, RabbitMQ 3.10 forgets which filters a session has. So a
//     slot subscribes once more before it unsubscribes. A former owner may have left the filter
//     before, and died before its mark. What may come only by the new subscription is not
//     delivered: the owner has it, and what was published in between (see Again).
//
// So after the first message by the owner none comes by a former one, and in doubt a message
// comes twice. Three gaps are left. Two are of no_local, which only the first slot serves. One is
// told at Commands.Put. And where the first slot is the former owner of a filter that a target
// wants without local messages, it unsubscribes, and subscribes again for that target: what is
// published in between does not come to it. The third is of order, with a broker that forgets:
// three holders of a slot die one after the other while they leave a filter. The last may deliver
// what is behind the marker of the second, before older messages that the owner holds back.
//
// A late write of a holder that was stopped, and went on when another had its slot, is
// refused by its epoch. One that came through, since Redis had lost the leases, would do no
// harm: a mark says that a filter was left, and it was, by that holder's own connection; if
// the next one subscribed to it again, then by a newer layout, of which the mark does not
// speak. An answer of the broker says what the session has, which is the next holder's
// session as well.
package placement
