package commands

import (
	"reflect"
	"testing"
	"time"

	"chanmqttproxy/messages"
)

func TestStateBody(t *testing.T) {
	t.Parallel()
	since := time.UnixMilli(1500)
	for name, c := range map[string]struct {
		state messages.State
		want  []any // connected, broker, version, since, reason
	}{
		"connected": {messages.State{Connected: true, Broker: "mqtt://b", Version: messages.MQTT5, Since: since}, []any{true, "mqtt://b", "5", 1.5, nil}},
		"away":      {messages.State{Since: since, Reason: "refused"}, []any{false, nil, nil, 1.5, "refused"}},
	} {
		var got []any
		for _, pair := range StateBody(c.state) {
			got = append(got, pair.Value)
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
