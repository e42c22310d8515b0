package main_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"chanmqttproxy/test/kit"
)

// TestCheckAsksAboutTheRightThing: what is wrong with the way to the broker, by the setting
// that mends it.
func TestCheckAsksAboutTheRightThing(t *testing.T) {
	t.Parallel()
	cert, key := kit.Certificate(t)
	port := kit.FreePort(t)
	kit.Mosquitto(t, "allow_anonymous true", fmt.Sprintf("listener %d 127.0.0.1", port), "certfile "+cert, "keyfile "+key)
	page := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(page.Close)
	redis := "REDIS_URL=redis://" + startRedis(t).Addr()
	for name, c := range map[string]struct{ host, want string }{
		"name":      {fmt.Sprintf("mqtts://localhost:%d", port), "Is the name in MQTT_HOST (environment) one that the broker's certificate is for?"},
		"authority": {fmt.Sprintf("mqtts://127.0.0.1:%d", port), "signed the broker's in MQTT_TLS_CA"},
		"path":      {"ws://" + page.Listener.Addr().String() + "/wrong", "Is the path in MQTT_HOST (environment) right?"},
		"nobody":    {net.JoinHostPort("127.0.0.1", fmt.Sprint(kit.FreePort(t))), "Is the broker running there"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			environ := []string{redis, "MQTT_HOST=" + c.host}
			if name == "name" {
				environ = append(environ, "MQTT_TLS_CA="+cert)
			}
			wants(t, execute(t, environ, "check", "--connect"), 1, []string{c.want}, nil)
		})
	}
}
