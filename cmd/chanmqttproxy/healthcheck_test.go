package main_test

import (
	"fmt"
	"testing"

	"chanmqttproxy/test/kit"
)

func TestHealthcheck(t *testing.T) {
	t.Parallel()
	address := fmt.Sprintf("127.0.0.1:%d", kit.FreePort(t))
	asked := []string{"HTTP_LISTEN=" + address, "HTTP_PROXY=http://192.0.2.1:1"}
	wants(t, execute(t, asked, "healthcheck"), 1, nil, []string{"does it run"})
	wants(t, execute(t, nil, "healthcheck"), 1, nil, []string{"HTTP_LISTEN is not set"})

	r := launch(t, asked[:1], "dev")
	r.waitFor("connected to the MQTT broker")
	kit.Eventually(t, shutdown, "it is ready", func() bool { return execute(t, asked, "healthcheck").code == 0 })
	wants(t, execute(t, asked, "healthcheck", "--live"), 0, nil, nil)

	nobody := fmt.Sprintf("127.0.0.1:%d", kit.FreePort(t))
	address = fmt.Sprintf(":%d", kit.FreePort(t))
	asked = []string{"HTTP_LISTEN=" + address}
	launch(t, []string{asked[0], "MQTT_HOST=" + nobody}, "dev").waitFor("the MQTT broker is away")
	wants(t, execute(t, asked, "healthcheck", "--live"), 0, nil, nil)
	wants(t, execute(t, asked, "healthcheck"), 1, nil, []string{"not well: the MQTT broker is away"})
}

func TestDevListens(t *testing.T) {
	t.Parallel()
	r := launch(t, nil, "dev")
	r.waitFor("page    http://127.0.0.1:")
	r.waitFor("serving health and metrics")
}
