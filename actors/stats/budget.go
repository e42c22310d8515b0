package stats

import "sync/atomic"

// fairShare is the part of a Budget that anybody may hold, whatever the others do.
const fairShare = 64

// Budget is the memory that all who hold messages back may occupy together.
type Budget struct {
	Held  *atomic.Int64 // by all, in bytes
	Limit int64
}

// Crowded says whether somebody who holds so much has to drop something.
func (b Budget) Crowded(own int64) bool {
	all := b.Held.Load()
	return all > b.Limit && own > b.FairShare() || all > 2*b.Limit
}

// FairShare is what anybody may hold, whatever the others do, in bytes.
func (b Budget) FairShare() int64 { return b.Limit / fairShare }
