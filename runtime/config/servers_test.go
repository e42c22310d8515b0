package config_test

import (
	"strings"
	"testing"

	"chanmqttproxy/runtime/config"
)

func TestServers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ environ, want string }{
		{"MQTT_HOST=a", "mqtt://a:1883"},
		{"MQTT_HOST=a MQTT_PORT=99", "mqtt://a:99"},
		{"MQTT_HOST=a:1 MQTT_PORT=99", "mqtt://a:1"},
		{"MQTT_HOST=a,b:2, mqtts://c ,ws://d/mqtt?x=1,wss://e:5", "mqtt://a:1883 mqtt://b:2 mqtts://c:8883 ws://d:80/mqtt?x=1 wss://e:5"},
		{"MQTT_HOST=mqtts://c MQTT_PORT=99", "mqtts://c:99"},
		{"MQTT_HOST=a,mqtt://b MQTT_TLS_INSECURE=true", "mqtts://a:8883 mqtt://b:1883"},
		{"MQTT_HOST=MQTT://A/", "mqtt://A:1883"},
		{"MQTT_HOST=my_broker.local", "mqtt://my_broker.local:1883"},
		{"MQTT_HOST=10.0.0.1", "mqtt://10.0.0.1:1883"},
		{"MQTT_HOST=::1", "mqtt://[::1]:1883"},
		{"MQTT_HOST=[::1]", "mqtt://[::1]:1883"},
		{"MQTT_HOST=[::1]:7", "mqtt://[::1]:7"},
		{"MQTT_HOST=fe80::1%eth0", "mqtt://[fe80::1%25eth0]:1883"},
	} {
		if got := servers(must(t, separate(c.environ))); got != c.want {
			t.Errorf("%s: %s, want %s", c.environ, got, c.want)
		}
	}
}

// FuzzServers: what is taken has a scheme, host and port, and means the same
// when it is written down and read again.
func FuzzServers(f *testing.F) {
	for _, seed := range []string{"a", "a:1", "::1", "[::1]:1", "fe80::1%eth0", "ws://a/b?c", "mqtts://a,b", "mqtt://u:p@h", "a:b:c", "wss://a/%2f", "::%\xe9", "::1%25"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, hosts string) {
		c, err := config.Load(config.Input{Environ: []string{"MQTT_HOST=" + hosts}})
		if err != nil || hosts == "" {
			return
		}
		var written []string
		for _, server := range c.Broker.Servers {
			if server.Hostname() == "" || server.Port() == "" || server.User != nil || server.Fragment != "" {
				t.Fatalf("%q gives %#v", hosts, server)
			}
			written = append(written, server.String())
		}
		again, err := config.Load(config.Input{Environ: []string{"MQTT_HOST=" + strings.Join(written, ",")}})
		if err != nil || servers(again) != servers(c) {
			t.Fatalf("%q gives %q, which gives %v %v", hosts, written, again, err)
		}
	})
}
