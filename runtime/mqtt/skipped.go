package mqtt

import (
	"hash/maphash"
	"log/slog"
	"sync"
	"sync/atomic"
)

const (
	// loggedTopics is how many topics are named in the log for each reason.
	loggedTopics = 100
	// loggedTopic is how many bytes of a topic are logged.
	loggedTopic = 256
)

// Skipped counts what brokers have sent and was not taken. Several Dialers may share one.
type Skipped struct {
	// Oversized are messages, Properties are user properties.
	Oversized, Properties atomic.Int64

	oversizedLog, propertiesLog topicLog
}

// note counts what was not taken of a packet, and logs it once a topic.
func (r *Skipped) note(p packet, log *slog.Logger) {
	if p.oversized > 0 {
		r.Oversized.Add(1)
		r.oversizedLog.warn(log, p.message.Topic, "a message larger than MQTT_MAX_PACKET was skipped: send less, or raise it", "bytes", p.oversized)
	}
	if p.dropped > 0 {
		r.Properties.Add(int64(p.dropped))
		r.propertiesLog.warn(log, p.message.Topic, "user properties were left out: send fewer, or raise MQTT_MAX_USER_PROPERTIES or MQTT_MAX_USER_PROPERTY_BYTES", "properties", p.dropped)
	}
}

// topicLog logs something once for each topic, as long as there are few.
type topicLog struct {
	mu   sync.Mutex
	seen map[uint64]bool // by the topics' hashes
}

func (t *topicLog) warn(log *slog.Logger, topic, what string, key string, n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	sum := maphash.String(seed, topic)
	if t.seen[sum] || len(t.seen) == loggedTopics {
		return
	}
	if t.seen == nil {
		t.seen = map[uint64]bool{}
	}
	t.seen[sum] = true
	if len(topic) > loggedTopic {
		topic = topic[:loggedTopic] + "…"
	}
	log.Warn(what, "topic", topic, key, n)
	if len(t.seen) == loggedTopics {
		log.Warn("further topics are counted, not logged", "topics", loggedTopics)
	}
}
