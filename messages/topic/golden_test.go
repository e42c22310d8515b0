package topic_test

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"chanmqttproxy/messages/topic"
	"chanmqttproxy/test/golden"
)

// filters.json has MQTT's rules as the Python package must have them too.
type filterVectors struct {
	Match [][3]any `json:"match"`
	Valid [][3]any `json:"valid"`
	Every struct {
		FilterLevels []string `json:"filter_levels"`
		TopicLevels  []string `json:"topic_levels"`
		Matches      string   `json:"filter_matches_topic"`
		Overlaps     string   `json:"filter_overlaps_filter"`
	} `json:"every"`
}

func TestGoldenFilters(t *testing.T) {
	t.Parallel()
	var vectors filterVectors
	golden.Load(t, "filters.json", &vectors)
	for _, v := range vectors.Match {
		if got := topic.Match(v[0].(string), v[1].(string)); got != v[2] {
			t.Errorf("Match(%q, %q) = %v", v[0], v[1], got)
		}
	}
	for _, v := range vectors.Valid {
		name, filter := topic.ValidateName(v[0].(string)), topic.ValidateFilter(v[0].(string))
		if (name == nil) != v[1] || (filter == nil) != v[2] {
			t.Errorf("%q: as a topic %v, as a filter %v", v[0], name, filter)
		}
	}
	filters := []string{"#", "/#"}
	for _, path := range paths(vectors.Every.FilterLevels, 3) {
		filters = append(filters, path, path+"/#")
	}
	if sum := sumOf(filters, paths(vectors.Every.TopicLevels, 4), topic.Match); sum != vectors.Every.Matches {
		t.Errorf("Match of every filter and topic has the sum %s", sum)
	}
	if sum := sumOf(filters, filters, topic.Overlap); sum != vectors.Every.Overlaps {
		t.Errorf("Overlap of every two filters has the sum %s", sum)
	}
}

func sumOf(a, b []string, holds func(a, b string) bool) string {
	var bits []byte
	for _, x := range a {
		for _, y := range b {
			bit := byte('0')
			if holds(x, y) {
				bit = '1'
			}
			bits = append(bits, bit)
		}
	}
	sum := sha256.Sum256(bits)
	return hex.EncodeToString(sum[:])
}
