// Package placement decides which session slot does what for a filter: who subscribes to
// it, who holds back what comes of it, who may leave it, and which of several slots
// delivers a message to a target.
//
// A View is what one process knows of the tables in Redis: of the registry, which says what
// is wanted and over how many slots filters are spread (the layouts, numbered by epochs),
// and of the status of each slot, which says what the MQTT broker has answered there and
// what the slot has left. All slots of a process share one View. It may be behind what is
// in Redis, and behind or ahead of those of other processes; every rule here is right with
// any of them, since each waits for something that was written and is never taken back:
//
//   - A slot may have a filter in its session by every layout that gave it the filter since
//     the one for which it said that it has left what is not its own, or that filter. The
//     registry is written before anybody subscribes, so nothing needs to be noted before a
//     SUBSCRIBE.
//   - The owner, the slot that the newest layout gives a filter, subscribes at once. It holds
//     back what comes while another slot may have the filter by an older layout.
//   - A former owner leaves the filter when the owner has the broker's answer to it, and every
//     slot has said that it acts by the newest layout. It unsubscribes, hands over all that
//     it has received, and says so: that is the mark for which the owner waits. A lease that
//     ran out is none: the next holder of the slot resumes the session and comes to the same.
//   - A layout follows the one before when all has moved, so a filter has at most one former
//     owner, and nothing has to be known of how it went to and fro.
//
// So after the first message by the owner none comes by a former one, and what both had
// received comes twice.
//
// A late write of a holder that was stopped, and went on when another had its slot, is
// refused by its epoch. One that came through, since Redis had lost the leases, would do no
// harm: a mark says that a filter was left, and it was, by that holder's own connection; if
// the next one subscribed to it again, then by a newer layout, of which the mark does not
// speak. An answer of the broker says what the session has, which is the next holder's
// session as well.
//
// A target that several filters match, in several slots, gets a message by the lowest slot
// whose filter was granted for it and is not moving. A slot leaves a message to another only
// if it was published when it had known of that for a while. In doubt a message comes twice.
//
// So a subscription that another slot may rely on does not go at once when it is
// unsubscribed: the registry says that it ends. From then on no slot leaves a message to it.
// When all others have said that they know, its own slot hands over what had come, says so,
// and it is taken out. Until then the target still gets what the filter matches.
package placement
