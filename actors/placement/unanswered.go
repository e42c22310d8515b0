package placement

import "container/heap"

// Unanswered are the filters for which the broker has not answered yet. The zero value has
// none.
type Unanswered struct {
	since  map[string]uint64 // by filter, the first change that asked for what has no answer
	oldest asks              // oldest first; some may be answered already
}

// Add notes that there is no answer yet to what a change asks of a filter.
func (u *Unanswered) Add(wire string, change uint64) {
	if _, ok := u.since[wire]; ok {
		return
	}
	if u.since == nil {
		u.since = map[string]uint64{}
	}
	u.since[wire] = change
	heap.Push(&u.oldest, ask{wire, change})
}

// Remove notes the answer to all that is asked of a filter.
func (u *Unanswered) Remove(wire string) {
	delete(u.since, wire)
	u.settle()
}

// Done is the last change up to which all is answered, of changes up to that one.
func (u *Unanswered) Done(last uint64) uint64 {
	if len(u.oldest) == 0 {
		return last
	}
	return min(last, max(u.oldest[0].change, 1)-1)
}

// settle drops what has been answered from the front.
func (u *Unanswered) settle() {
	for len(u.oldest) > 0 {
		first := u.oldest[0]
		if change, ok := u.since[first.wire]; ok && change == first.change {
			return
		}
		heap.Pop(&u.oldest)
	}
}

// asks is a heap of what was asked for, by change.
type asks []ask

type ask struct {
	wire   string
	change uint64
}

func (a asks) Len() int           { return len(a) }
func (a asks) Less(i, j int) bool { return a[i].change < a[j].change }
func (a asks) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }
func (a *asks) Push(x any)        { *a = append(*a, x.(ask)) }
func (a *asks) Pop() any {
	last := len(*a) - 1
	x := (*a)[last]
	(*a)[last] = ask{}
	*a = (*a)[:last]
	return x
}
