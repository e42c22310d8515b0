package hint

import (
	"strings"
	"testing"

	"chanmqttproxy/actors/reconcile"
	"chanmqttproxy/messages"
)

func TestConnection(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		failure messages.ConnectionFailure
		brief   int
		want    string
	}{
		{messages.ConnectionFailure{Cause: messages.TakenOver}, 0, "give each its own MQTT_CLIENT_ID"},
		{messages.ConnectionFailure{Cause: messages.BrokerRefused, Code: 0x9A}, 0, "unset MQTT_WILL_RETAIN"},
		{messages.ConnectionFailure{Cause: messages.BrokerRefused, Code: 0x8B}, 0, "nothing, unless it lasts"},
		{messages.ConnectionFailure{Detail: messages.NameNotFound}, 0, "check the name of the host"},
		{messages.ConnectionFailure{Cause: messages.BadCredentials, Detail: messages.ClientCertificate}, 0, "set MQTT_TLS_CERT"},
		{messages.ConnectionFailure{Cause: messages.BrokerRefused, Code: 0x97}, 0, "check MQTT_HOST"},
		{messages.ConnectionFailure{}, flapping - 1, "check MQTT_HOST"},
		{messages.ConnectionFailure{}, flapping, "another program uses this client id"},
	} {
		if got := Connection(&c.failure, c.brief); !strings.Contains(got, c.want) {
			t.Errorf("%v: %q, want %q", &c.failure, got, c.want)
		}
	}
}

func TestSubscribe(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind reconcile.Kind
		code byte
		want string
	}{
		{reconcile.Answered, 0x80, "check the broker's access rules"},
		{reconcile.Answered, 0x87, "check the broker's access rules"},
		{reconcile.Answered, 0x97, "set MQTT_SESSIONS"},
		{reconcile.Answered, 0x9E, "shared false"},
		{reconcile.Answered, 0x83, "look into the broker's log"},
		{reconcile.Full, 0x80, "set MQTT_SESSIONS"},
		{reconcile.Closed, 0x80, "look into the broker's log, and"},
		{reconcile.Silent, 0x80, "look into the broker's log, and"},
	} {
		if got := Subscribe(c.kind, c.code); !strings.Contains(got, c.want) {
			t.Errorf("%v 0x%02x: %q, want %q", c.kind, c.code, got, c.want)
		}
	}
}

func TestPublish(t *testing.T) {
	t.Parallel()
	for code, want := range map[byte][2]string{
		0x87: {"access rules", "MQTT_BIRTH_TOPIC"},
		0x95: {"maximum packet size", "MQTT_BIRTH_PAYLOAD"},
		0x9A: {"retain false", "MQTT_BIRTH_RETAIN"},
		0x9B: {"lower qos", "MQTT_BIRTH_QOS"},
		0x80: {"broker's log", "broker's log"},
	} {
		if publish, birth := Publish(code), Birth(code); !strings.Contains(publish, want[0]) || !strings.Contains(birth, want[1]) {
			t.Errorf("0x%02x: %q and %q, want %q", code, publish, birth, want)
		}
	}
}
