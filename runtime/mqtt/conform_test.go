package mqtt_test

import (
	"testing"

	"chanmqttproxy/messages"
	"chanmqttproxy/test/conform"
	"chanmqttproxy/test/kit"
)

func mosquitto(t testing.TB) conform.SessionBroker {
	m := kit.Mosquitto(t)
	return conform.SessionBroker{URL: m.URL(), Kill: m.Kill, Freeze: m.Freeze}
}

func mochi(t testing.TB) conform.SessionBroker {
	return conform.SessionBroker{URL: kit.Mochi(t, true).URL()}
}

func TestMosquitto5(t *testing.T) {
	t.Parallel()
	conform.Session(t, conform.SessionFeatures{
		Version: messages.MQTT5, GrantedQoS: 2, Copies: 2, Stores: true, KeepsIDs: true,
	}, mosquitto, driver)
}

func TestMosquitto311(t *testing.T) {
	t.Parallel()
	conform.Session(t, conform.SessionFeatures{
		Version: messages.MQTT311, GrantedQoS: 2, Copies: 1, Stores: true, KeepsIDs: true,
	}, mosquitto, driver)
}

func TestMochi5(t *testing.T) {
	t.Parallel()
	conform.Session(t, conform.SessionFeatures{
		Version: messages.MQTT5, Refused: kit.Denied + "/#", GrantedQoS: 2, Copies: 1,
		AddsExpiry: true, TellsTakenOver: true,
	}, mochi, driver)
}

func TestMochi311(t *testing.T) {
	t.Parallel()
	conform.Session(t, conform.SessionFeatures{
		Version: messages.MQTT311, Refused: kit.Denied + "/#", GrantedQoS: 2, Copies: 1,
	}, mochi, driver)
}

// Brokers that speak 3.1.1 alone.

func TestClosing311(t *testing.T) {
	t.Parallel()
	conform.Session(t, conform.SessionFeatures{
		Version: messages.MQTT311, Refused: kit.Denied + "/#", GrantedQoS: 2, Copies: 1,
	}, func(t testing.TB) conform.SessionBroker {
		return conform.SessionBroker{URL: kit.Closing(t).URL()}
	}, driver)
}

func TestRabbitMQ311(t *testing.T) {
	t.Parallel()
	broker := conform.SessionBroker{URL: kit.RabbitMQ(t).URL()}
	conform.Session(t, conform.SessionFeatures{
		Version: messages.MQTT311, GrantedQoS: 1, Copies: 2, Stores: true, ReplaysExactOnly: true,
	}, func(testing.TB) conform.SessionBroker { return broker }, driver)
}
