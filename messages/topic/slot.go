package topic

// Slot is the place of a filter among n session slots, from 0: the same everywhere
// and for good. With one more slot only every n+1st filter has another place, which
// is the new one.
//
// It is the jump consistent hash of Lamping and Veach (2014) over the FNV-1a hash of
// the filter, whose bits are mixed once more: filters differ in their last characters.
func Slot(filter string, n int) int {
	key := uint64(14695981039346656037)
	for i := range len(filter) {
		key = (key ^ uint64(filter[i])) * 1099511628211
	}
	key ^= key >> 33
	key *= 0xff51afd7ed558ccd
	key ^= key >> 33
	place := int64(0)
	for next := int64(0); next < int64(n); {
		place = next
		key = key*2862933555777941757 + 1
		next = int64(float64(place+1) * (float64(int64(1)<<31) / float64((key>>33)+1)))
	}
	return int(place)
}
