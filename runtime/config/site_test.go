package config_test

import (
	"strings"
	"testing"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/config"
)

// site is the environment of a worker that a Django site has started.
func site(document string) string { return "CHANMQTTPROXY_SETTINGS=" + document }

func TestSite(t *testing.T) {
	t.Parallel()
	c := must(t, []string{site(`{
		"module": "mysite.settings", "MQTT_HOST": ["one", "two:1884"], "MQTT_PORT": 1885, "MQTT_USER": "", "MQTT_VERSION": 311,
		"CHANMQTTPROXY": {"mqtt_keepalive": 60, "BACKLOG_MEMORY": 33554432, "MQTT_WILL_RETAIN": true, "MQTT_WILL_TOPIC": "gone", "HTTP_LISTEN": null},
		"CHANNEL_LAYERS": {"default": {"BACKEND": "channels_redis.core.RedisChannelLayer",
			"CONFIG": {"hosts": [["cache", 6380]], "channel_capacity": {"z*": 1, "a*": 2}}}}
	}`)})
	if got := servers(c); got != "mqtt://one:1885 mqtt://two:1884" {
		t.Errorf("servers %q", got)
	}
	if c.Broker.Version != messages.MQTT311 || c.Broker.KeepAlive != time.Minute || c.Bounds.BacklogMemory != 32<<20 || !c.Broker.Will.Retain {
		t.Errorf("broker %+v, bounds %+v", c.Broker, c.Bounds)
	}
	if caps := c.Layer.Capacities; c.Layer.Hosts[0].Redis.Addr != "cache:6380" || len(caps) != 2 || caps[0].Pattern != "z*" {
		t.Errorf("layer %+v", c.Layer)
	}
	for env, want := range map[string]string{
		"MQTT_HOST": "MQTT_HOST (mysite.settings)", "MQTT_KEEPALIVE": `CHANMQTTPROXY["mqtt_keepalive"] (mysite.settings)`,
		"MQTT_USER": "MQTT_USER (default)", "HTTP_LISTEN": "HTTP_LISTEN (default)",
	} {
		if got := c.Where(env); got != want {
			t.Errorf("%s comes from %s, want %s", env, got, want)
		}
	}
}

// TestSiteOrder: flag > environment > Django's settings > file.
func TestSiteOrder(t *testing.T) {
	t.Parallel()
	file := write(t, "c.yaml", "mqtt_user: file\nmqtt_host: file\nmqtt_client_id: file\nmqtt_channel_name: file\n")
	c := must(t, []string{
		"CHANMQTTPROXY_SETTINGS_FILE=" + write(t, "settings", `{"MQTT_USER": "site", "MQTT_HOST": "site", "MQTT_CHANNEL_NAME": "site"}`),
		"MQTT_USER=environment", "MQTT_HOST=environment",
	}, "--config="+file, "--mqtt-host=flag")
	for env, want := range map[string]config.Source{
		"MQTT_HOST": config.Flag, "MQTT_USER": config.Environment, "MQTT_CHANNEL_NAME": config.Settings, "MQTT_CLIENT_ID": config.File,
	} {
		if got := c.Source(env); got != want {
			t.Errorf("%s comes from %v, want %v", env, got, want)
		}
	}
}

// TestSiteLayer: the site's layer counts, unless a flag says otherwise.
func TestSiteLayer(t *testing.T) {
	t.Parallel()
	settings := site(`{"CHANNEL_LAYERS": ` + layers(`{"hosts": ["redis://site:1"]}`) + `}`)
	for _, test := range []struct {
		environ []string
		args    []string
		want    string
	}{
		{[]string{settings, "REDIS_URL=redis://cache:2"}, nil, "site:1"},
		{[]string{settings, "CHANNEL_LAYERS=" + layers(`{"hosts": ["redis://environment:3"]}`)}, nil, "environment:3"},
		{[]string{settings}, []string{"--redis-url=redis://flag:4"}, "flag:4"},
		{[]string{site(`{}`), "REDIS_URL=redis://cache:2"}, nil, "cache:2"},
	} {
		if got := must(t, test.environ, test.args...).Layer.Hosts[0].Redis.Addr; got != test.want {
			t.Errorf("%q %q: %s, want %s", test.environ, test.args, got, test.want)
		}
	}
}

func TestSiteFaults(t *testing.T) {
	t.Parallel()
	for document, want := range map[string]string{
		`[`: "CHANMQTTPROXY_SETTINGS (environment): not a JSON object",
		`{"module": "m", "CHANMQTTPROXY": {"MQTT_KEEP_ALIVE": 3}}`:              `CHANMQTTPROXY["MQTT_KEEP_ALIVE"] (m): no such setting; did you mean MQTT_KEEPALIVE?`,
		`{"module": "m", "CHANMQTTPROXY": {"MQTT_USER": 7}}`:                    `CHANMQTTPROXY["MQTT_USER"] (m): not a text: write the value in quotes`,
		`{"module": "m", "CHANMQTTPROXY": 7}`:                                   `CHANMQTTPROXY (m): not a dict`,
		`{"module": "m", "CHANMQTTPROXY": {"http_act": true, "HTTP_ACT": 1}}`:   `CHANMQTTPROXY["http_act"] (m): CHANMQTTPROXY["HTTP_ACT"] is set too`,
		`{"module": "m", "MQTT_VERSION": 4}`:                                    `MQTT_VERSION (m): "4" is not a version of MQTT`,
		`{"module": "m", "CHANMQTTPROXY": {"subscriptions": [{"topic": "#"}]}}`: `subscriptions (m): not a list of subscriptions`,
		`{"MQTT_KEEPALIVE": 7}`:                                                 `MQTT_KEEPALIVE (Django's settings): not a setting`,
	} {
		_, err := load(t, []string{site(document)})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "1 fault") {
			t.Errorf("%s: %v, want %s", document, err, want)
		}
	}
	showsNoSecret(t, "settings", []string{site(`{"MQTT_PASSWORD": "` + secret + `"`)})
	showsNoSecret(t, "settings", []string{site(`{"MQTT_PASSWORD": "` + secret + `"}`)})
}

func TestSiteSubscriptions(t *testing.T) {
	t.Parallel()
	var got []messages.Map
	_, err := config.Load(config.Input{
		Environ: []string{site(`{"CHANMQTTPROXY": {"SUBSCRIPTIONS": [{"topic": "a/#", "qos": 1, "min_interval": 0.5}]}}`)},
		Subscription: func(m messages.Map) (messages.SubscribeCommand, error) {
			got = append(got, m)
			return messages.SubscribeCommand{}, nil
		},
	})
	if qos, _ := got[0].Get("qos"); err != nil || len(got) != 1 || qos != int64(1) {
		t.Errorf("subscriptions %v, %v", got, err)
	}
}

// TestSitePatterns: channel_capacity with patterns that Python has compiled.
func TestSitePatterns(t *testing.T) {
	t.Parallel()
	capacity := func(pairs string) string {
		return site(`{"module": "m", "CHANNEL_LAYERS": ` + layers(`{"channel_capacity": `+pairs+`}`) + `}`)
	}
	c := must(t, []string{capacity(`[["a*", 1], [{"regex": "specific\\.[a-z]+\\Z", "ignore_case": true}, 2]]`)})
	caps := c.Layer.Capacities
	if len(caps) != 2 || caps[0].Regexp != nil || caps[1].Capacity != 2 {
		t.Fatalf("capacities %+v", caps)
	}
	for name, want := range map[string]bool{"Specific.abc": true, "specific.abc!": false, "x.specific.abc": false} {
		if caps[1].Regexp.MatchString(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
	_, err := load(t, []string{capacity(`[[{"regex": "(?=a)"}, 1]]`)})
	if err == nil || !strings.Contains(err.Error(), `channel_capacity: "(?=a)" is a regular expression that only Python understands`) {
		t.Errorf("%v", err)
	}
}
