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
//     (see Markers), hands over all that it has received, and says so. For that mark the owner
//     waits. A lease that runs out is not a mark. The next holder resumes the session, and leaves
//     the filter itself.
//
//   - Layouts. The next one waits until all has moved, so a filter has at most one former
//     owner. A slot that was alone, or of an older version, writes no status. So the next layout
//     also waits until the slots have said what their sessions hold.
//
//   - Overlaps. A target that several filters match, in several slots, gets a message by the
//     lowest slot whose filter was granted for it and is not moving. A slot sends a marker and
//     gets it back. Only then does it leave messages to another slot, and only to one that it
//     knew of when it sent the marker. What came before may have waited, at the broker or in a
//     process that was stopped, since before the other's subscription.
//
//   - Ending. A subscription on which another slot may rely does not go at once when it is
//     unsubscribed. The registry says that it ends, and no slot leaves a message to it any
//     more. When all have said that they know, the slots that serve it by the newest layout
//     hand over what had come, up to a marker, and say so, and it is taken out. Until then the
//     target still gets what the filter matches.
//
//   - Forgetting. With a connection, RabbitMQ 3.10 forgets which filters a session has. So a
//     slot subscribes once more before it unsubscribes. Its session may have missed messages
//     between the two subscriptions, if a former holder has died in the middle of leaving. The
//     owner has those, and all later ones. So the slot drops what comes then: see Resubscribing.
//
// So after the first message by the owner none comes by a former one, and in doubt a message
// comes twice. Three gaps are left:
//
//   - A command that changes no_local: see Commands.Put.
//   - Only the first slot serves no_local. Where it is the former owner of a filter that a target
//     wants without local messages, it unsubscribes, and subscribes again for that target. The
//     target misses what is published in between.
//   - The order, with a broker that forgets: two holders of a slot die one after the other while
//     they leave a filter. The third may deliver what was behind the marker of the second, before
//     older messages that the owner holds back.
//
// A late write of a holder that was stopped, and went on when another had its slot, is
// refused by its epoch. One that came through, since Redis had lost the leases, would do no
// harm. A mark says that a filter was left, and it was, by that holder's own connection. If the
// next one subscribed to it again, then a newer layout gave it the filter. The mark is about the
// older one. An answer of the broker says what the session has, which is the next holder's
// session as well.
package placement
