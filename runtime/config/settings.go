package config

import (
	"math"
	"time"
)

// kind is what a value looks like. It is the name of the value in the help.
type kind string

const (
	text     kind = "text"
	number   kind = "number"
	boolean  kind = "bool"
	duration kind = "duration"
	path     kind = "path"
	list     kind = "list"
	object   kind = "json"
)

// setting is one row of the table.
type setting struct {
	// env is the name in the environment; the flag and the file key follow.
	env  string
	kind kind
	// fallback is the default as one would write it; "": none.
	fallback string
	// shown replaces the fallback in the documentation.
	shown string
	help  string
	// choices are all values there are, where they can be listed.
	choices []string
	// secret values have a twin NAME_FILE that names a file to read them from.
	secret bool
	// set reads the value into the draft. Its errors never show a secret.
	set func(*draft, string) error
}

// settings is the table from which names, defaults, flags and documentation
// come. Its order is that of the documentation.
var settings = []setting{
	{env: "MQTT_HOST", kind: list, fallback: "localhost", set: setText(func(d *draft) *string { return &d.hosts }),
		help: "The broker: host, host:port, or a URL with `mqtt://`, `mqtts://`, `ws://` or `wss://`. A comma list is tried in order."},
	{env: "MQTT_PORT", kind: number, shown: "1883, 8883 with TLS", set: setPort,
		help: "The broker's port, if `MQTT_HOST` has none. `ws://` and `wss://` default to 80 and 443."},
	{env: "MQTT_USER", kind: text, set: setUser,
		help: "The user name at the broker."},
	{env: "MQTT_PASSWORD", kind: text, secret: true, set: setText(func(d *draft) *string { return &d.Broker.Password }),
		help: "The password of `MQTT_USER`."},
	{env: "MQTT_VERSION", kind: number, fallback: "50", choices: []string{"50", "5", "5.0", "311", "3.1.1"}, set: setVersion,
		help: "The MQTT version. `50`: MQTT 5, and 3.1.1 if the broker does not speak 5. `311`: MQTT 3.1.1."},
	{env: "MQTT_CHANNEL_NAME", kind: text, fallback: "mqtt", set: setChannel,
		help: "The channel from which the worker reads commands. It is also the first word in the type of messages (`mqtt.message`)."},
	{env: "MQTT_CLIENT_ID", kind: text, shown: "random, kept in Redis", set: setClientID,
		help: "The worker's client id, by which the broker finds its session. It must stay the same over restarts, and no other MQTT client may use it."},
	{env: "MQTT_KEEPALIVE", kind: duration, fallback: "30s", set: setKeepAlive,
		help: "If the connection has been silent for this long, the worker pings the broker."},
	{env: "MQTT_SESSION_EXPIRY", kind: duration, fallback: "1h", set: setSessionExpiry,
		help: "How long the broker keeps the session and its messages while no worker is connected. `0`: not at all (clean sessions)."},
	{env: "MQTT_RECEIVE_MAXIMUM", kind: number, fallback: "1024", set: setReceiveMaximum,
		help: "How many messages of QoS 1 and 2 the broker may send without waiting for an acknowledgement, 1 to 65535."},
	{env: "MQTT_CONNECT_TIMEOUT", kind: duration, fallback: "10s", set: setWait(func(d *draft) *time.Duration { return &d.Broker.ConnectTimeout }),
		help: "How long a broker may take to answer a CONNECT. One that accepts the connection and does not answer in time gets twice as long at the next attempt, up to a minute."},
	{env: "MQTT_RECONNECT_MAX", kind: duration, fallback: "5s", set: setWait(func(d *draft) *time.Duration { return &d.Broker.ReconnectMax }),
		help: "The longest pause between two attempts to connect."},
	{env: "MQTT_MAX_PACKET", kind: number, fallback: "16777216", set: setNumber(1024, 268_435_460, func(d *draft) *int { return &d.Broker.MaximumPacket }),
		help: "The largest packet that the worker accepts, in bytes. Larger messages are dropped: by the broker under MQTT 5, by the worker under 3.1.1, which acknowledges and counts them."},
	{env: "MQTT_MAX_USER_PROPERTIES", kind: number, fallback: "1000", set: setNumber(1, 1_000_000, func(d *draft) *int { return &d.Broker.UserProperties }),
		help: "How many user properties of one message are kept. The others are dropped and counted."},
	{env: "MQTT_MAX_USER_PROPERTY_BYTES", kind: number, fallback: "65536", set: setNumber(1, 268_435_460, func(d *draft) *int { return &d.Broker.UserPropertyBytes }),
		help: "How many bytes of user properties of one message, names and values, are kept. The others are dropped and counted."},
	{env: "MQTT_SUBSCRIBE_BATCH", kind: number, fallback: "500", set: setNumber(1, 10000, func(d *draft) *int { return &d.Broker.SubscribeBatch }),
		help: "The most filters that the worker puts into one SUBSCRIBE, 1 to 10000. If the broker accepts fewer, the worker notices, and sends fewer."},
	{env: "MQTT_TLS_CA", kind: path, shown: "system roots", set: setText(func(d *draft) *string { return &d.tls.ca }),
		help: "PEM file with the certificate authorities (CAs) that may sign the broker's certificate. With it, a broker given without `://` is reached by TLS."},
	{env: "MQTT_TLS_CERT", kind: path, set: setText(func(d *draft) *string { return &d.tls.cert }),
		help: "PEM file with the worker's certificate, for mutual TLS."},
	{env: "MQTT_TLS_KEY", kind: path, set: setText(func(d *draft) *string { return &d.tls.key }),
		help: "PEM file with the key of the worker's certificate."},
	{env: "MQTT_TLS_INSECURE", kind: boolean, fallback: "false", set: setBool(func(d *draft) *bool { return &d.tls.insecure }),
		help: "Do not check the broker's certificate. Then anybody between worker and broker can read and change messages."},
	{env: "MQTT_WILL_TOPIC", kind: text, set: setText(func(d *draft) *string { return &d.will.topic }),
		help: "The topic to which the broker publishes a message when the worker dies (the will)."},
	{env: "MQTT_WILL_PAYLOAD", kind: text, set: setText(func(d *draft) *string { return &d.will.payload }),
		help: "The payload of that message."},
	{env: "MQTT_WILL_QOS", kind: number, fallback: "0", choices: []string{"0", "1", "2"}, set: setQoS(func(d *draft) *byte { return &d.will.qos }),
		help: "The QoS of that message, 0 to 2."},
	{env: "MQTT_WILL_RETAIN", kind: boolean, fallback: "false", set: setBool(func(d *draft) *bool { return &d.will.retain }),
		help: "Whether the broker retains that message."},
	{env: "MQTT_BIRTH_TOPIC", kind: text, set: setText(func(d *draft) *string { return &d.birth.topic }),
		help: "The topic to which the worker publishes a message when it has connected."},
	{env: "MQTT_BIRTH_PAYLOAD", kind: text, set: setText(func(d *draft) *string { return &d.birth.payload }),
		help: "The payload of that message."},
	{env: "MQTT_BIRTH_QOS", kind: number, fallback: "0", choices: []string{"0", "1", "2"}, set: setQoS(func(d *draft) *byte { return &d.birth.qos }),
		help: "The QoS of that message, 0 to 2."},
	{env: "MQTT_BIRTH_RETAIN", kind: boolean, fallback: "false", set: setBool(func(d *draft) *bool { return &d.birth.retain }),
		help: "Whether the broker retains that message."},
	{env: "MQTT_SESSIONS", kind: number, fallback: "1", set: setNumber(1, 256, func(d *draft) *int { return &d.Broker.Sessions }),
		help: "The number of MQTT sessions among which the subscriptions are divided, 1 to 256. All workers must have the same number."},
	{env: "SESSION_LEASE", kind: duration, fallback: "1.5s", set: setSessionLease,
		help: "When a worker has died, another one takes over its sessions after this time. All workers must have the same value."},
	{env: "MQTT_STATUS_GROUP", kind: text, set: setStatusGroup,
		help: "The group of consumers that gets an event when the worker connects to the broker or loses it."},
	{env: "MQTT_ALLOW_SUBSCRIBE", kind: list, fallback: "#", set: setFilters(func(d *draft) *[]string { return &d.AllowSubscribe }),
		help: "The topics to which the site may subscribe, as a comma list of filters. `#` does not include topics that begin with `$`; to allow those too, use `#,$SYS/#`."},
	{env: "MQTT_ALLOW_PUBLISH", kind: list, fallback: "#", set: setFilters(func(d *draft) *[]string { return &d.AllowPublish }),
		help: "The topics to which the site may publish, as a comma list of filters."},
	{env: "CHANNEL_LAYERS", kind: object, secret: true, set: setText(func(d *draft) *string { return &d.channelLayers }),
		help: "Django's setting `CHANNEL_LAYERS`, as JSON."},
	{env: "REDIS_URL", kind: text, fallback: "redis://localhost:6379", secret: true, set: setText(func(d *draft) *string { return &d.redisURL }),
		help: "Short form of `CHANNEL_LAYERS`: the core back end of channels_redis at this address, with its defaults. If both are set in the same place, `CHANNEL_LAYERS` counts."},
	{env: "MQTT_MAX_SUBSCRIPTIONS", kind: number, fallback: "50000", set: setNumber(1, math.MaxInt32, func(d *draft) *int { return &d.Bounds.MaxSubscriptions }),
		help: "How many subscriptions there may be. Each is one filter for one group, channel or stream. More are refused, but those in Redis or in the file are always restored."},
	{env: "SUBSCRIPTION_IDLE", kind: duration, fallback: "5m", set: setSubscriptionIdle,
		help: "When no consumer has listened to a subscription for this long, it is removed, at the broker too. `0`: never."},
	{env: "COMMAND_WINDOW", kind: number, fallback: "1024", set: setNumber(1, 65535, func(d *draft) *int { return &d.Bounds.Window }),
		help: "How many commands the worker works on at once. Others wait in Redis."},
	{env: "COMMAND_MEMORY", kind: number, fallback: "33554432", set: setNumber(1, math.MaxInt, func(d *draft) *int { return &d.Bounds.CommandMemory }),
		help: "How many bytes these commands may take; each counts as twice its size. Others wait in Redis. On a pub/sub layer none can wait: they are dropped."},
	{env: "COMMAND_MAX_ELEMENTS", kind: number, fallback: "100000", set: setNumber(100, math.MaxInt32, func(d *draft) *int { return &d.Bounds.CommandElements }),
		help: "How many elements (keys, values, lists, dicts) one command may have. A larger one is refused."},
	{env: "GROUP_BACKLOG", kind: number, fallback: "10000", set: setNumber(1, math.MaxInt32, func(d *draft) *int { return &d.Bounds.GroupBacklog }),
		help: "How many messages may wait for a group while Redis is unreachable. If there are more, those of QoS 0 are dropped, the oldest first."},
	{env: "QUEUE_BACKLOG", kind: number, fallback: "10000", set: setNumber(1, math.MaxInt32, func(d *draft) *int { return &d.Bounds.QueueBacklog }),
		help: "How many messages may wait for room in the queue of one process. If there are more, the oldest are dropped."},
	{env: "BACKLOG_MEMORY", kind: number, fallback: "67108864", set: setNumber(1, math.MaxInt, func(d *draft) *int { return &d.Bounds.BacklogMemory }),
		help: "How many bytes all waiting messages together may take. Above that, the groups and processes with the largest backlogs lose their oldest messages."},
	{env: "DEAD_LETTERS", kind: number, fallback: "1000", set: setNumber(1, 1_000_000, func(d *draft) *int { return &d.Bounds.DeadLetters }),
		help: "How many dead letters are kept in Redis. The oldest are forgotten first. A dead letter is a command that was invalid, or was refused for good."},
	{env: "DEAD_LETTER_BYTES", kind: number, fallback: "1048576", set: setNumber(1, math.MaxInt32, func(d *draft) *int { return &d.Bounds.DeadLetterBytes }),
		help: "How many bytes of each dead letter are kept. A larger one can't be put back."},
	{env: "DEAD_LETTER_TOTAL_BYTES", kind: number, fallback: "16777216", set: setNumber(1000, math.MaxInt32, func(d *draft) *int { return &d.Bounds.DeadLetterTotal }),
		help: "How many bytes all dead letters together may take in each Redis. A single one may take half of that."},
	{env: "DEAD_LETTER_AGE", kind: duration, fallback: "168h", set: setDeadLetterAge,
		help: "How long dead letters are kept."},
	{env: "MQTT_STREAM_PARTITIONS", kind: number, fallback: "4", set: setNumber(1, 256, func(d *draft) *int { return &d.Bounds.StreamPartitions }),
		help: "The number of partitions of a stream, 1 to 256. Each topic is in one partition, and each partition has one reader at a time. After a change, the old partitions are read to the end first."},
	{env: "MQTT_STREAM_MAX_MESSAGES", kind: number, fallback: "100000", set: setNumber(1, math.MaxInt32, func(d *draft) *int { return &d.Bounds.StreamMessages }),
		help: "How many messages a stream may hold until its readers delete them. When it is full, new messages wait at the broker, or are dropped, as the subscription says."},
	{env: "MQTT_STREAM_MAX_BYTES", kind: number, fallback: "67108864", set: setNumber(1000, math.MaxInt, func(d *draft) *int { return &d.Bounds.StreamBytes }),
		help: "How many bytes a stream may hold. When it is full, the same happens."},
	{env: "HTTP_LISTEN", kind: text, shown: "off in `run`, `127.0.0.1:8083` in `dev`", set: setListen,
		help: "The address that serves health, metrics and the page, as host:port. `off`: none. On an address other than loopback, the page needs `HTTP_TOKEN`."},
	{env: "HTTP_TOKEN", kind: text, secret: true, set: setToken,
		help: "The password of the page, at least 16 characters. Open the page once with `?token=…`; a program sends it as a bearer token."},
	{env: "HTTP_ACT", kind: boolean, fallback: "false", set: setBool(func(d *draft) *bool { return &d.HTTP.Act }),
		help: "Let the page publish, follow messages, and restart parts of the worker."},
	{env: "HTTP_SHOW_PAYLOADS", kind: boolean, fallback: "false", set: setBool(func(d *draft) *bool { return &d.HTTP.ShowPayloads }),
		help: "Let the page show the beginning of payloads."},
	{env: "METRICS_FILTERS", kind: list, set: setCount,
		help: "Filters for each of which the metrics count the messages received, as a comma list of at most 100."},
	{env: "HTTP_PPROF", kind: boolean, fallback: "false", set: setBool(func(d *draft) *bool { return &d.HTTP.Pprof }),
		help: "Serve Go's profiles too, under `/debug/pprof/`; on loopback only."},
	{env: "LOG_LEVEL", kind: text, fallback: "info", set: setLogLevel,
		help: "`debug`, `info`, `warn` or `error`. A component (`actors`, `http`, `layer`, `mqtt`, `slots`) can have a level of its own: `info,mqtt=debug`."},
	{env: "LOG_FORMAT", kind: text, choices: []string{"text", "json"}, shown: "text on a terminal, else JSON", set: setLogFormat,
		help: "`text` or `json`."},
	{env: "LOG_MEMORY", kind: number, fallback: "1048576", set: setNumber(4096, math.MaxInt32, func(d *draft) *int { return &d.Log.Memory }),
		help: "How many bytes of log lines may wait while nobody reads standard error. If there are more, lines are dropped and counted."},
	{env: "SHUTDOWN_TIMEOUT", kind: duration, fallback: "10s", set: setShutdownTimeout,
		help: "How long the worker may take to finish its work when it is stopped."},
}

// twin is the name of the setting that names a file with the secret.
const twin = "_FILE"

// names lists all names of the environment, the twins of secrets included, in
// the form that the caller's source uses.
func names(form func(env string) string) []string {
	var all []string
	for _, s := range settings {
		all = append(all, form(s.env))
		if s.secret {
			all = append(all, form(s.env+twin))
		}
	}
	return all
}
