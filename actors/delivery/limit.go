package delivery

import "chanmqttproxy/messages"

// The most events of one write. While Redis carries out a write it serves nobody else, so
// batchLimit holds for a target of which nothing is known. Where a message costs Redis little,
// a larger batch saves more than it delays: most of the time that a small one takes is not
// spent on its messages.
const (
	batchLimit = 64
	largeBatch = 256
)

// limitAfter is how many events the next write may have, after one of so many bundles. A queue
// that a bundle goes to costs as much as 1 KiB of members' names. The limit is such that a write
// to several queues, or with many names, costs no more than largeBatch messages for one
// queue; but at least batchLimit. A queue that had no room will not have more for a larger
// batch.
func limitAfter(bundles int, o messages.Outcome) int {
	cost := o.Stored + o.NameBytes/1024
	if cost == 0 || len(o.FullQueues) > 0 {
		return batchLimit
	}
	return max(batchLimit, min(largeBatch, largeBatch*bundles/cost))
}
