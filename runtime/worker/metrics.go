package worker

import (
	"context"
	"net/http"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/config"
	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/runtime/mqtt"
	"chanmqttproxy/runtime/slots"
)

// namespace begins the name of each metric of the worker.
const namespace = "chanmqttproxy"

// metricSource is where the metrics are read from at each scrape. They cost a message nothing.
type metricSource struct {
	stats   *actors.Stats
	status  func() workerStatus
	counts  *slots.Counts
	waiting func() map[string]int // in mailboxes, by kind
	layer   func() layer.Stats
	trips   *actors.Histogram
	skipped *mqtt.Skipped
	queues  func(context.Context) ([]messages.QueueInfo, error)
	letters func(context.Context) (count int, since time.Time, err error)
	streams func(context.Context) ([]messages.StreamInfo, error)
	bounds  config.Bounds
	logs    logBounds
	version string
	// examples are those of the histograms; with nil there are none.
	examples *exemplars
}

func (w *Worker) metricSource(base layer.Client) metricSource {
	return metricSource{
		stats: w.stats, status: w.status, counts: &w.keeper.Counts, waiting: w.tree.Waiting,
		layer: func() layer.Stats { return w.clients.stats(base.Stats()) }, trips: w.trips, skipped: w.skipped, queues: queuesOf(base, w.tree),
		letters: base.OldestDeadLetter, streams: base.Streams,
		bounds: w.config.Bounds, logs: logBounds{w.Logs, w.config.Log.Memory}, version: w.Version, examples: w.tracing.examples(),
	}
}

// handler serves the metrics in the formats of Prometheus, and in that of OpenMetrics on request.
func (t metricSource) handler() http.Handler {
	return promhttp.HandlerFor(t.registry(), promhttp.HandlerOpts{EnableOpenMetrics: true})
}

// registry has all metrics. It does not use those of the actor library
// (actor.WithMetricProviders): with them each message through a mailbox costs 1.8 µs and nine
// allocations, without them 0.1 µs and none. They also see one type for all actors, that of the
// wrapper. The metrics here count by kind.
func (t metricSource) registry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m := metrics{r}
	m.gauge("build_info", "The version of the program; always 1.", func() float64 { return 1 }, "version", t.version, "go", runtime.Version())
	t.inbound(m)
	t.outbound(m)
	t.sides(m)
	t.slots(m)
	t.clocks(m)
	t.bounded(m)
	s := t.stats
	var delivery, acknowledgement *exemplar
	if t.examples != nil {
		delivery, acknowledgement = &t.examples.delivery, &t.examples.acknowledgement
	}
	m.count("bugs_total", "Panics in the worker; each is in the log with its stack.", &s.Bugs)
	m.count("unhandled_messages_total", "Messages inside the worker that reached a part which has no use for them.", &s.Unhandled)
	r.MustRegister(
		hostStats{t.layer},
		heldSlots{func() slots.View { return t.status().slots }},
		&queueFill{look: t.queues},
		streamFill{t.streams},
		deadLetters{t.letters},
		times{&s.Acknowledgement, described("acknowledgement_seconds", "Time from the arrival of a message of QoS 1 or 2 until it may be acknowledged to the MQTT broker."), acknowledgement},
		times{&s.Writing, described("delivery_seconds", "Time from the arrival of a message until a group or channel has it in Redis."), delivery},
		times{t.trips, described("mqtt_round_trip_seconds", "Time from a PINGREQ to the MQTT broker until its PINGRESP, of which there is one at least every MQTT_KEEPALIVE."), nil},
		kinds{
			described("actor_mailbox_messages", "Messages inside the worker that wait for one of its parts, by kind of part.", "kind"),
			prometheus.GaugeValue, t.mailboxes, nil,
		},
		kinds{
			described("actor_restarts_total", "Restarts of the parts of the worker, by kind. A lost connection to the MQTT broker restarts connection, one to Redis reader.", "kind"),
			prometheus.CounterValue, s.Restarts.Each, []string{"connection", "reader"},
		})
	return r
}

// mailboxes calls do with each kind of actor and the number of messages in its mailboxes.
func (t metricSource) mailboxes(do func(kind string, n int64)) {
	for kind, n := range t.waiting() {
		do(kind, int64(n))
	}
}

func (t metricSource) inbound(m metrics) {
	s := t.stats
	m.count("messages_received_total", "Messages from the MQTT broker.", &s.Received)
	m.count("messages_unmatched_total", "Messages from the MQTT broker that no subscription matches.", &s.Unmatched)
	m.count("messages_written_total", "Messages written to queues in Redis: one for each process of each group.", &s.Stored)
	m.count("oversized_messages_total", "Messages larger than MQTT_MAX_PACKET that the MQTT broker sent nevertheless; the worker acknowledged and skipped them.", &t.skipped.Oversized)
	m.count("properties_dropped_total", "User properties left out of messages that had more than MQTT_MAX_USER_PROPERTIES, or longer ones than MQTT_MAX_USER_PROPERTY_BYTES.", &t.skipped.Properties)
	m.count("messages_undecodable_total", "Messages written as bytes, because their payload is not what the subscription wants (json, text).", &s.Undecodable)
	m.count("numbers_as_text_total", "Integers beyond 64 bits in JSON payloads, written as text, because msgpack can't hold them.", &s.BigNumbers)
	for reason, n := range map[string]*atomic.Int64{
		"full": &s.Full, "overflowed": &s.Overflowed, "expired": &s.Expired, "replaced": &s.Replaced, "abandoned": &s.Abandoned,
	} {
		m.count("messages_dropped_total", "Messages dropped: by a full queue where that was asked for, above a bound, too old, replaced by a newer one, or waiting when the worker stopped.", n, "reason", reason)
	}
	for _, c := range s.Counted {
		m.count("filter_messages_total", "Messages from the MQTT broker that a filter of METRICS_FILTERS matches.", &c.Received, "filter", c.Filter)
	}
	m.gauge("messages_in_flight", "Messages from the MQTT broker that are on their way to Redis.", func() float64 {
		settled := s.Settled.Load()
		return float64(s.Received.Load() - settled)
	})
	m.level("messages_in_overflow", "Messages that wait for room in the queue of a process.", &s.InOverflow)
	m.level("messages_paced", "Messages that wait for the end of a min_interval.", &s.Paced)
	m.level("retained_recipients", "Subscribers that wait for retained messages.", &s.Recipients)
	m.count("retained_sent_total", "Retained messages that recipients got, one for each recipient.", &s.RetainedSent)
	m.level("retained_in_flight", "Retained messages that are under way from the MQTT broker to Redis.", &s.RetainedInFlight)
}

func (t metricSource) outbound(m metrics) {
	s := t.stats
	m.count("commands_received_total", "Commands taken from Redis.", &s.Commands)
	m.count("commands_refused_total", "Commands that had no effect: invalid, not allowed by the settings, or one subscription too many.", &s.BadCommands, "reason", "not_understood")
	m.count("commands_refused_total", "Commands that had no effect: invalid, not allowed by the settings, or one subscription too many.", &s.Denied, "reason", "not_allowed")
	m.count("commands_refused_total", "Commands that had no effect: invalid, not allowed by the settings, or one subscription too many.", &s.TooMany, "reason", "too_many_subscriptions")
	m.level("commands_in_flight", "Commands taken from Redis that are not done, those that wait for the MQTT broker included.", &s.CommandsUnderWay)
	m.level("commands_in_flight_bytes", "Memory that these are taken to occupy.", &s.CommandBytes)
	m.count("publishes_total", "Publishes, by their result at the MQTT broker.", &s.Published, "result", "done")
	m.count("publishes_total", "Publishes, by their result at the MQTT broker.", &s.PublishRefused, "result", "refused")
	m.count("filters_refused_total", "Filters that the MQTT broker refused, each once.", &s.FilterRefused)
	m.count("requests_total", "Requests, by their result.", &s.Responses, "result", "answered")
	m.count("requests_total", "Requests, by their result.", &s.Timeouts, "result", "timeout")
}

func (t metricSource) sides(m metrics) {
	s := t.stats
	m.truth("ready", "Whether the worker does its work: 1 or 0.", func() bool { return t.status().readiness().Ready })
	m.truth("redis_connected", "Whether commands are read from Redis: 1 or 0.", func() bool { return t.status().redis() })
	m.truth("mqtt_connected", "Whether there is a connection to the MQTT broker: 1 or 0.", func() bool { return t.status().Broker })
	for _, v := range []messages.Version{messages.MQTT5, messages.MQTT311} {
		m.truth("mqtt_protocol", "Which version of MQTT is spoken: 1 at that one.", func() bool {
			h := t.status()
			return h.Broker && h.State.Version == v
		}, "version", v.String())
	}
	m.gauge("subscriptions", "Filters that the worker subscribes to.", func() float64 { return float64(t.status().Filters) })
	m.gauge("subscriptions_refused", "Filters that the MQTT broker does not accept: it refuses them, closes the connection on them, does not answer, or has no room in the session.", func() float64 { return float64(t.status().Refused) })
	m.count("mqtt_connects_total", "Connections to the MQTT broker that were made.", &s.Connects)
	m.count("mqtt_losses_total", "Connections to the MQTT broker, or attempts, that failed.", &s.Disconnects)
	m.count("redis_losses_total", "How often Redis became unreachable.", &s.LayerLosses)
	m.total("commands_dropped_total", "Commands that came by the pub/sub back end when as many waited as may.", func() int64 { return int64(t.layer().DroppedCommands) })
}

// slots are the metrics of the session slots.
func (t metricSource) slots(m metrics) {
	m.gauge("session_slots", "MQTT_SESSIONS, which all workers share: among how many slots the subscriptions are divided.", func() float64 { return float64(t.status().slots.Sessions) })
	m.gauge("session_slots_held", "Session slots that this worker holds.", func() float64 { return float64(len(t.status().slots.Held)) })
	m.gauge("session_slots_free", "Session slots that no worker holds.", func() float64 {
		free := 0
		for _, s := range t.status().slots.Slots {
			if s.Holder == "" {
				free++
			}
		}
		return float64(free)
	})
	m.truth("session_slots_moving", "Whether filters are on their way between slots, since MQTT_SESSIONS is another than before: 1 or 0.", func() bool { return t.status().slots.Before > 0 })
	m.gauge("session_lease_left_seconds", "How long the lease on this worker's slots lasts if it is not renewed.", func() float64 { return t.status().slots.Left().Seconds() })
	m.gauge("workers", "Workers that share the session slots, this one included.", func() float64 { return float64(t.status().slots.Workers) })
	for reason, n := range map[string]*atomic.Int64{"taken": &t.counts.Taken, "given": &t.counts.Given, "lost": &t.counts.Lost, "taken_over": &t.counts.TakenOver} {
		m.count("session_slot_changes_total", "Session slots taken; given up at a stop, or for others to have their share; lost, since Redis was not reached in time; left, since another client took the session.", n, "change", reason)
	}
}

// bounded are the metrics of bounds, beside what they bound.
func (t metricSource) bounded(m metrics) {
	s, b := t.stats, t.bounds
	m.level("backlog_bytes", "Memory that messages which wait are taken to occupy.", &s.WaitingBytes)
	m.level("arriving_bytes", "Size of the messages of QoS 0 that are under way to Redis.", &s.UnderWayBytes)
	m.limit("commands_limit", "COMMAND_WINDOW: how many commands may be under way.", b.Window)
	m.limit("commands_limit_bytes", "COMMAND_MEMORY: how much memory commands under way may take.", b.CommandMemory)
	m.limit("command_elements_limit", "COMMAND_MAX_ELEMENTS: of how many elements one command may be.", b.CommandElements)
	m.limit("group_backlog_limit", "GROUP_BACKLOG: how many messages may wait for one group.", b.GroupBacklog)
	m.limit("queue_backlog_limit", "QUEUE_BACKLOG: how many messages may wait for the queue of one process.", b.QueueBacklog)
	m.limit("backlog_limit_bytes", "BACKLOG_MEMORY: how much memory waiting messages may take.", b.BacklogMemory)
	m.level("streams_full", "Streams without room, whose messages the MQTT broker keeps.", &s.StreamsFull)
	m.limit("stream_messages_limit", "MQTT_STREAM_MAX_MESSAGES: how many messages a stream may hold.", b.StreamMessages)
	m.limit("stream_limit_bytes", "MQTT_STREAM_MAX_BYTES: how many bytes these may have.", b.StreamBytes)
	m.level("subscription_targets", "Pairs of filter and target that are subscribed.", &s.Pairs)
	m.limit("subscription_targets_limit", "MQTT_MAX_SUBSCRIPTIONS: up to how many of them commands may add.", b.MaxSubscriptions)
	m.limit("dead_letters_limit", "DEAD_LETTERS: how many are kept in Redis.", b.DeadLetters)
	m.gauge("dead_letter_age_limit_seconds", "DEAD_LETTER_AGE: how long one is kept.", b.DeadLetterAge.Seconds)
	m.limit("dead_letter_limit_bytes", "DEAD_LETTER_BYTES: how much of one is kept.", b.DeadLetterBytes)
	m.limit("dead_letters_limit_bytes", "DEAD_LETTER_TOTAL_BYTES: how much all of them may take.", b.DeadLetterTotal)
	t.logs.register(m)
}
