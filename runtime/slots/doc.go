// Package slots keeps the session slots of one worker: it holds leases on some of them
// in Redis, and runs what each slot is for while it is held.
//
// One worker at a time holds a slot, and nobody acts for a slot without its lease:
//
//   - A lease ends by the clock of Redis, which alone grants it. The worker's Fence
//     closes before that: it counts, by monotonic time, from the moment when the lease
//     was asked for, which is before it was granted, and a tenth less, for clocks that do
//     not run alike.
//   - Who acts asks the Fence first. A process that was stopped, and wakes up when its
//     lease is over, finds it closed. What was under way to Redis at that moment says
//     until when it is to be carried out (Fence.Until), and comes too late.
//   - What was under way to the MQTT broker is ended by the next holder: it connects with
//     the same client id, and the broker throws the former one out [MQTT-3.1.4-3].
//
// A lease that is over is still its former holder's until somebody else takes it: a
// Redis that was unreachable, or has lost its data, costs a worker its slots only if another
// was there first. Until that is known the worker keeps its connections, sends nothing,
// and goes on where it was when it has the lease again. Where the data were lost, those
// who hold something have the time of a lease to say so before anything is given to
// others. One gap is left: if the first who comes then is a worker that has only just
// started, and so remembers as little as Redis, it takes what others hold for a moment
// more; the broker is the fence then.
//
// A question that was given up may come to Redis after later ones, on a connection of
// before. It is refused (messages.LeaseAsk.RequestSeq): what it gives up may be held again.
//
// The broker is the only fence also where the clock of Redis jumps ahead, or a replica
// that does not know of a lease takes Redis's place.
//
// A slot passes on at once where its holder stops or gives it away, since it is released
// when nothing of it is left; and after the length of a lease where the holder died.
package slots
