package config_test

import (
	"strings"
	"testing"

	"chanmqttproxy/runtime/config"
)

const secret = "hunter2"

func TestTwins(t *testing.T) {
	t.Parallel()
	file := write(t, "password", secret+"\n")
	c := must(t, []string{"MQTT_USER=u", "MQTT_PASSWORD_FILE=" + file})
	if c.Broker.Password != secret || c.Source("MQTT_PASSWORD") != config.Environment {
		t.Errorf("password %q from %v", c.Broker.Password, c.Source("MQTT_PASSWORD"))
	}
	c = must(t, []string{"MQTT_USER=u", "MQTT_PASSWORD=other"}, "--mqtt-password-file="+file)
	if c.Broker.Password != secret || c.Source("MQTT_PASSWORD") != config.Flag {
		t.Errorf("the flag's file did not win: %q", c.Broker.Password)
	}
	c = must(t, nil, "--redis-url-file="+write(t, "url", "redis://:"+secret+"@a:1\n"))
	if c.Layer.Hosts[0].Redis.Addr != "a:1" || c.Layer.Hosts[0].Redis.Password != secret {
		t.Errorf("layer %+v", c.Layer.Hosts[0].Redis)
	}
}

// TestSecretsStaySecret: whatever is wrong, the error does not show them.
func TestSecretsStaySecret(t *testing.T) {
	t.Parallel()
	for _, environ := range []string{
		"MQTT_PASSWORD=" + secret,
		"MQTT_HOST=mqtt://user:" + secret + "@host",
		"MQTT_HOST=user:" + secret + "@host:x:y",
		"MQTT_HOST=mqtt://host?password=" + secret,
		"MQTT_HOST=mqtt://host:x?password=" + secret,
		"MQTT_HOST=host#" + secret,
		"MQTT_HOST=http://host/path?token=" + secret,
		"MQTT_HOST=ws://b\u00fccher?token=" + secret,
		"MQTT_HOST=wss://host/mqtt?a=b,token=" + secret,
		"REDIS_URL=" + secret,
		"REDIS_URL=http://:" + secret + "@host",
		"REDIS_URL=redis://:" + secret + "/@host/x",
		"REDIS_URL=redis://:" + secret + "@host/db",
		"REDIS_URL=redis://host?" + secret + "=1",
		"REDIS_URL=redis://host?db=" + secret,
		"REDIS_URL=redis://host:" + secret,
		"CHANNEL_LAYERS=" + secret,
		`CHANNEL_LAYERS={"default": "` + secret + `"}`,
		"CHANNEL_LAYERS=" + layers(`{"hosts": ["`+secret+`"]}`),
		"CHANNEL_LAYERS=" + layers(`{"hosts": ["redis://:`+secret+`@a", 1]}`),
		"CHANNEL_LAYERS=" + layers(`{"hosts": [{"password": "`+secret+`", "db": -1}]}`),
		"CHANNEL_LAYERS=" + layers(`{"symmetric_encryption_keys": ["`+secret+`", 1]}`),
		"CHANNEL_LAYERS=" + layers(`{"symmetric_encryption_keys": "`+secret+`"}`),
	} {
		showsNoSecret(t, environ, []string{environ})
	}
	for name, content := range map[string]string{
		"a.yaml": secret, "b.yaml": "mqtt_password: *" + secret, "c.yaml": "mqtt_password: '" + secret,
		"d.yaml": "mqtt_password: " + secret + ": x", "e.yaml": "mqtt_password: [" + secret + "]",
		"f.yaml": "channel_layers: " + secret, "g.yaml": "mqtt_password: !!int " + secret,
		"a.toml": secret, "b.toml": `mqtt_password = '` + secret, "c.toml": "mqtt_password = " + secret,
		"d.toml": `mqtt_password = ["` + secret + `"]`,
	} {
		showsNoSecret(t, name, nil, "--config="+write(t, name, content))
	}
}

func showsNoSecret(t *testing.T, what string, environ []string, args ...string) {
	t.Helper()
	_, err := load(t, environ, args...)
	if err == nil {
		t.Errorf("%s was taken", what)
		return
	}
	if strings.Contains(err.Error(), secret) {
		t.Errorf("%s is shown: %v", what, err)
	}
}
