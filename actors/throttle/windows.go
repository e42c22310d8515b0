package throttle

// windows are a heap by their end.
type windows []*window

// Len implements heap.Interface.
func (h windows) Len() int { return len(h) }

// Less implements heap.Interface.
func (h windows) Less(a, b int) bool { return h[a].end.Before(h[b].end) }

// Swap implements heap.Interface.
func (h windows) Swap(a, b int) {
	h[a], h[b] = h[b], h[a]
	h[a].place, h[b].place = a, b
}

// Push implements heap.Interface.
func (h *windows) Push(x any) {
	i := x.(*window)
	i.place = len(*h)
	*h = append(*h, i)
}

// Pop implements heap.Interface.
func (h *windows) Pop() any {
	old := *h
	i := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return i
}
