// Package delivery decides what is written to one target (a group of Channels, one channel
// or a stream) and when: what waits in order (Target.Add), the next write (Target.Next),
// what follows from its outcome (Target.Written, Target.Again).
//
// One write to everybody is under way at a time, and what comes meanwhile goes with the
// next: batches form when the layer is the slower one and cost nothing when it is not.
//
// A queue that has no room (that of a process which does not keep up) gets what it misses
// from an overflow queue of its own, with writes of its own; the writes to all others skip
// it meanwhile. What waits there counts as delivered.
//
// Ledger collects the parts of deliveries that come back from all targets, until each
// delivery is whole and may be acknowledged.
package delivery
