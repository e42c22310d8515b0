package topic

// maxIdentifier is the largest subscription identifier (MQTT 5, 3.8.2.1.2).
const maxIdentifier = 1<<28 - 1

// Identifier is the MQTT 5 subscription identifier that a filter is subscribed
// with: 1 to 268435455 [MQTT-3.8.2.1.2], the same for the same filter always,
// so that it outlives us in the broker's stored session.
//
// Two filters may share one. That is harmless: an identifier only tells for
// which of the filters that match its topic a copy of a message was sent. With
// two such filters under one identifier, a copy for the one counts as a copy
// for the other as well.
func Identifier(filter string) uint32 {
	hash := uint32(2166136261) // FNV-1a
	for i := range len(filter) {
		hash = (hash ^ uint32(filter[i])) * 16777619
	}
	return max(1, hash>>28^hash&maxIdentifier)
}
