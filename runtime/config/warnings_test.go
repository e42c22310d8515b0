package config_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestWarnings: what is probably not meant, and what is the site's own.
func TestWarnings(t *testing.T) {
	t.Parallel()
	kubernetes := "MQTT_PORT=tcp://10.0.0.1:1883 MQTT_SERVICE_HOST=10.0.0.1 MQTT_SERVICE_PORT=1883 MQTT_PORT_1883_TCP=tcp://10.0.0.1:1883 MQTT_PORT_1883_TCP_ADDR=10.0.0.1"
	for environ, want := range map[string]string{
		"MQTT_USERNAME=u":              "MQTT_USERNAME (environment): no such setting: ignored; did you mean MQTT_USER?",
		"MQTT_BROKER=b":                "MQTT_BROKER (environment): no such setting: ignored; did you mean MQTT_HOST?",
		"MQTT_HSOT=b":                  "MQTT_HSOT (environment): no such setting: ignored; did you mean MQTT_HOST?",
		"MQTT_CLIENTID=b":              "did you mean MQTT_CLIENT_ID?",
		"MQTT_PASS=p":                  "did you mean MQTT_PASSWORD?",
		"MQTT_USERNAME=u MQTT_USER=u":  "",
		"MQTT_TOPIC_PREFIX=u":          "",
		"MQTT_HOST=mqtts://a,mqtt://b": "MQTT_HOST (environment): a:8883 with TLS, but mqtt://b:1883 without",
		"MQTT_HOST=wss://a,b,ws://c":   "mqtt://b:1883, ws://c:80 without",
		"MQTT_HOST=mqtts://a,wss://b":  "",
		"MQTT_HOST=a,ws://b":           "",
		kubernetes:                     "MQTT_PORT (environment): set by Kubernetes for a service called mqtt: ignored",
		kubernetes + " MQTT_HOST=$(MQTT_SERVICE_HOST):1883x": "",
	} {
		c, err := load(t, separate(environ))
		if strings.HasSuffix(environ, "x") {
			if err == nil || !strings.Contains(err.Error(), "warning: MQTT_PORT (environment)") {
				t.Errorf("%s: %v", environ, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", environ, err)
			continue
		}
		got := fmt.Sprint(c.Warnings)
		if len(c.Warnings) > 1 || (want == "") != (len(c.Warnings) == 0) || !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %q", environ, got, want)
		}
	}
	if c := must(t, separate(kubernetes)); servers(c) != "mqtt://localhost:1883" || len(c.Ignored) > 0 {
		t.Errorf("with a service of Kubernetes: %s, and ignored are %q", servers(c), c.Ignored)
	}
}

// TestAliasesAreFaultsInFiles: nobody else reads them.
func TestAliasesAreFaultsInFiles(t *testing.T) {
	t.Parallel()
	_, err := load(t, nil, "--config="+write(t, "c.yaml", "mqtt_username: u\n"))
	if err == nil || !strings.Contains(err.Error(), "no such setting; did you mean mqtt_user?") {
		t.Errorf("in a file: %v", err)
	}
}

// TestQueriesAreHidden: a broker's URL may hold a secret.
func TestQueriesAreHidden(t *testing.T) {
	t.Parallel()
	c := must(t, []string{"MQTT_HOST=a,wss://b/mqtt?token=" + secret})
	if text := c.YAML(); strings.Contains(text, secret) || !strings.Contains(text, `# mqtt_host: "a,wss://b/mqtt?…"`) {
		t.Errorf("printed %s", text)
	}
	if servers(c) != "mqtt://a:1883 wss://b:443/mqtt?token="+secret {
		t.Errorf("connects to %s", servers(c))
	}
}
