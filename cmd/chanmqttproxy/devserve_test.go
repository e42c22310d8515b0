package main_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"chanmqttproxy/test/kit"
)

// TestServeRefuses: dev --serve neither serves nor uses what is not plain and on loopback.
func TestServeRefuses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ env, want string }{
		{"MQTT_HOST=broker.example.org", "serving the broker at mqtt://broker.example.org:1883, from MQTT_HOST (environment): it is not on this machine"},
		{"MQTT_HOST=mqtts://localhost", "dev speaks plain MQTT, not mqtts"},
		{"REDIS_URL=redis://cache.example.org", "serving Redis at cache.example.org:6379, from REDIS_URL (environment): it is not on this machine"},
		{"REDIS_URL=rediss://localhost", "dev has no TLS"},
		{"REDIS_URL=unix:///run/redis.sock", "dev listens on no Unix socket"},
		{`CHANNEL_LAYERS={"default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [{"sentinels": [["localhost", 26379]], "master_name": "m"}]}}}`, "dev has no Sentinels"},
	} {
		p := kit.Worker(t, []string{test.env}, "dev", "--serve")
		if code := p.ExitCode(time.Minute); code != 2 || !strings.Contains(p.Output(), test.want) {
			t.Errorf("%s: exit code %d, want 2 and %q:\n%s", test.env, code, test.want, p.Output())
		}
	}
}

// TestServeUses: dev --serve uses a Redis and a broker that are there, and serves those
// that are not, with the password that the site has for Redis.
func TestServeUses(t *testing.T) {
	t.Parallel()
	redis, broker := kit.Redis(t), kit.Mosquitto(t)
	there := kit.Worker(t, []string{"REDIS_URL=" + redis.URL(), "MQTT_HOST=" + broker.Addr(), "HTTP_LISTEN=off"}, "dev", "--serve")
	wantOutput(t, there, fmt.Sprintf("redis   %s (runs already)", redis.Addr()))
	wantOutput(t, there, fmt.Sprintf("broker  %s (runs already)", broker.Addr()))
	wantOutput(t, there, "connected to the MQTT broker")
	there.Stop()

	served := kit.Worker(t, []string{
		fmt.Sprintf("REDIS_URL=redis://:secret@localhost:%d/1", kit.FreePort(t)),
		fmt.Sprintf("MQTT_HOST=localhost:%d", kit.FreePort(t)), "HTTP_LISTEN=off",
	}, "dev", "--serve")
	wantOutput(t, served, "connected to the MQTT broker")
	wantOutput(t, served, "reading commands from Redis")
	served.Stop()
}

func wantOutput(t *testing.T, p *kit.WorkerProcess, text string) {
	t.Helper()
	kit.Eventually(t, time.Minute, "it writes "+text, func() bool { return strings.Contains(p.Output(), text) })
}
