package stats

import "sync/atomic"

// fairShare: each owner may hold this part of a Budget, whatever the others hold.
const fairShare = 64

// Budget is the memory that all who hold messages back may use together.
type Budget struct {
	Held  *atomic.Int64 // by all, in bytes
	Limit int64
}

// Over says whether an owner that holds so many bytes has to drop some.
func (b Budget) Over(own int64) bool {
	all := b.Held.Load()
	return all > b.Limit && own > b.FairShare() || all > 2*b.Limit
}

// FairShare is how many bytes each owner may hold, whatever the others hold.
func (b Budget) FairShare() int64 { return b.Limit / fairShare }
