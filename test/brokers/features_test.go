package brokers_test

import (
	"net/url"
	"testing"

	"chanmqttproxy/runtime/embedded"
	"chanmqttproxy/test/kit"
)

// broker is what the suite needs of one.
type broker interface {
	URL() *url.URL
	Addr() string
	Kill()
	Start()
}

// features are a broker and what it does not do.
type features struct {
	name     string
	start    func(t *testing.T) broker
	versions []string
	env      []string // of the worker
	lacks    map[lack]string
	// maxQoS is the highest QoS that it grants and delivers.
	maxQoS int
	// maxFilters is how many it allows a session; 0: any number.
	maxFilters int
	// badTopics are those of unusualTopics that it refuses, or has for another.
	badTopics []string
}

// lack is something that a broker does not do.
type lack string

const (
	wildcardReplay lack = "the retained messages of a filter with wildcards"
	replayAgain    lack = "retained messages at a second SUBSCRIBE of the same filter"
	oneCopy        lack = "a single copy of a message for overlapping filters under 3.1.1"
	keepsSessions  lack = "sessions over a kill of its own"
	sentQoS        lack = "messages with the QoS that they were sent with"
	pipelined      lack = "order, where publishers do not wait for acknowledgements"
	queues         lack = "messages for an absent worker"
	promptly       lack = "at once what was under way when a connection ended"
	orderTakenOver lack = "order, where a session is taken over from a connection that still lives"
)

// without tells whether the broker lacks that, and says so.
func (s *deployment) without(t *testing.T, l lack) bool {
	why, lacks := s.lacks[l]
	if lacks {
		t.Logf("NOT WITH %s: %s (%s)", s.name, l, why)
	}
	return lacks
}

var brokers = []features{
	{
		name: "mosquitto", versions: []string{"5", "3.1.1"}, maxQoS: 2,
		start: func(t *testing.T) broker { return kit.Mosquitto(t) },
		lacks: map[lack]string{keepsSessions: "it stores them at a stop in order, and each half hour"},
	},
	{
		name: "dev", versions: []string{"5", "3.1.1"}, maxQoS: 2,
		start: startEmbedded,
		lacks: map[lack]string{keepsSessions: "it stores nothing"},
	},
	{
		name: "RabbitMQ", versions: []string{"3.1.1"}, maxQoS: 1,
		start: func(t *testing.T) broker { return kit.RabbitMQ(t) },
		lacks: map[lack]string{
			wildcardReplay: "it looks for the topic of that name",
			orderTakenOver: "it goes on with what is newer until it has ended the former connection",
		},
		badTopics: []string{"a.b", "a*b>c"},
	},
	{
		name: "nats-server", versions: []string{"3.1.1"}, maxQoS: 2, maxFilters: 63,
		start:     func(t *testing.T) broker { return kit.Nats(t) },
		lacks:     map[lack]string{oneCopy: "one for each", promptly: "it waits for 30 s (ack_wait)"},
		badTopics: []string{"two words"},
	},
	{
		name: "amqtt", versions: []string{"3.1.1"}, maxQoS: 2, env: []string{"MQTT_VERSION=311"},
		start: func(t *testing.T) broker { return kit.Amqtt(t) },
		lacks: map[lack]string{
			keepsSessions: "it stores nothing",
			oneCopy:       "one for each",
			sentQoS:       "they have that of the subscription",
			queues:        "it drops them",
		},
	},
	{
		name: "rumqttd", versions: []string{"5", "3.1.1"}, maxQoS: 2,
		start: func(t *testing.T) broker { return kit.Rumqttd(t) },
		lacks: map[lack]string{
			keepsSessions: "it stores nothing",
			oneCopy:       "one for each",
			sentQoS:       "they have that of the subscription",
			replayAgain:   "it sends them once",
		},
	},
	{
		name: "Artemis", versions: []string{"5", "3.1.1"}, maxQoS: 2,
		start: func(t *testing.T) broker { return kit.Artemis(t) },
		lacks: map[lack]string{
			oneCopy:   "one for each",
			pipelined: "messages overtake each other",
		},
	},
}

// embeddedBroker is the one of dev.
type embeddedBroker struct {
	t *testing.T
	*embedded.BrokerServer
}

func startEmbedded(t *testing.T) broker {
	server, err := embedded.Broker("127.0.0.1:0", embedded.BrokerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return embeddedBroker{t, server}
}

func (b embeddedBroker) URL() *url.URL { return &url.URL{Scheme: "mqtt", Host: b.Addr()} }

func (b embeddedBroker) Kill() { b.Stop() }

func (b embeddedBroker) Start() {
	if err := b.BrokerServer.Start(); err != nil {
		b.t.Fatal(err)
	}
}
