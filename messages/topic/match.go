package topic

import "strings"

// Match tells whether the filter matches the topic name (MQTT section 4.7).
func Match(filter, topic string) bool {
	if wildFirst(filter) && strings.HasPrefix(topic, "$") { // [MQTT-4.7.2-1]
		return false
	}
	for {
		want, filterRest, filterMore := strings.Cut(filter, "/")
		level, topicRest, topicMore := strings.Cut(topic, "/")
		switch {
		case want == "#":
			return true
		case want != "+" && want != level:
			return false
		case !topicMore:
			return !filterMore || filterRest == "#" // "a/#" matches "a", its parent
		case !filterMore:
			return false
		}
		filter, topic = filterRest, topicRest
	}
}

// Overlap tells whether there is a topic that both filters match (of any
// length: that MQTT limits topics to 65535 bytes is not looked at).
func Overlap(a, b string) bool {
	if wildFirst(a) && strings.HasPrefix(b, "$") || wildFirst(b) && strings.HasPrefix(a, "$") {
		return false
	}
	a, b = explicit(a), explicit(b)
	for {
		levelA, restA, moreA := strings.Cut(a, "/")
		levelB, restB, moreB := strings.Cut(b, "/")
		switch {
		case levelA == "#" || levelB == "#":
			return true
		case levelA != levelB && levelA != "+" && levelB != "+":
			return false
		case !moreA:
			return !moreB || restB == "#"
		case !moreB:
			return restA == "#"
		}
		a, b = restA, restB
	}
}

// Covers tells whether a matches every topic that b matches, as an allow list
// needs it: "a/#" covers "a/+/c", and neither "#" nor "+/x" covers "$SYS/x".
func Covers(a, b string) bool {
	if wildFirst(a) && strings.HasPrefix(b, "$") {
		return false
	}
	a, b = explicit(a), explicit(b)
	for {
		levelA, restA, moreA := strings.Cut(a, "/")
		levelB, restB, moreB := strings.Cut(b, "/")
		switch {
		case levelA == "#":
			return true
		case levelB == "#", levelA != "+" && levelA != levelB:
			return false
		case !moreB:
			return !moreA || restA == "#"
		case !moreA:
			return false
		}
		a, b = restA, restB
	}
}

// wildFirst tells whether a filter begins with a wildcard. Such filters do not
// match topics that begin with "$" [MQTT-4.7.2-1].
func wildFirst(filter string) bool {
	return strings.HasPrefix(filter, "+") || strings.HasPrefix(filter, "#")
}

// explicit rewrites the two filters whose "#" cannot match the level above it,
// because the empty string is no topic [MQTT-4.7.3-1], so that this need not be
// minded level by level.
func explicit(filter string) string {
	switch filter {
	case "#":
		return "+/#"
	case "/#":
		return "/+/#"
	}
	return filter
}
