package messages

// Value is what a channel-layer message is made of, as Python would hold it:
// nil, bool, int64, uint64 (only above the range of int64), float64, string
// (valid UTF-8), []byte, []any and Map.
type Value = any

// Pair is one entry of a Map.
type Pair struct {
	Key   string
	Value Value
}

// Map is a Python dict: keys are text and keep the order in which they were
// inserted, as json.dumps shows it.
type Map []Pair

// Get returns the value under key, and whether there is one.
func (m Map) Get(key string) (Value, bool) {
	for _, p := range m {
		if p.Key == key {
			return p.Value, true
		}
	}
	return nil, false
}
