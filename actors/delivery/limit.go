package delivery

import "chanmqttproxy/messages"

// The most events of one write. While Redis carries out a write it serves nobody else, so
// batchLimit holds for a target of which nothing is known. Where a message costs Redis little,
// a larger batch saves more than it delays: most of a small write's time does not depend on how
// many messages it has.
const (
	batchLimit = 64
	largeBatch = 256
)

// limitAfter is how many events the next write may have, after one of so many bundles. It may cost
// as much as largeBatch messages to one queue, where 1 KiB of members' names costs as much as a
// message; but it always has room for batchLimit. After a write for which a queue had no room it
// is batchLimit: more would only be refused.
func limitAfter(bundles int, o messages.Outcome) int {
	cost := o.Stored + o.NameBytes/1024
	if cost == 0 || len(o.FullQueues) > 0 {
		return batchLimit
	}
	return max(batchLimit, min(largeBatch, largeBatch*bundles/cost))
}
