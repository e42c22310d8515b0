package main_test

import (
	"bufio"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"chanmqttproxy/test/kit"
)

// TestChat: what one browser says comes to another, by way of MQTT.
func TestChat(t *testing.T) {
	t.Parallel()
	for name, environ := range backEnds(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			chat(t, environ)
		})
	}
}

// backEnds are the settings of both back ends of the channel layer: of the one that dev
// has by itself, and of the pub/sub back end on a Redis.
func backEnds(t *testing.T) map[string][]string {
	t.Helper()
	return map[string][]string{"core": nil, "pub/sub": {fmt.Sprintf(
		`CHANNEL_LAYERS={"default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [%q]}}}`, kit.Redis(t).URL())}}
}

func chat(t *testing.T, environ []string) {
	address := fmt.Sprintf("127.0.0.1:%d", kit.FreePort(t))
	launch(t, append([]string{"HTTP_LISTEN=" + address}, environ...), "dev").waitFor("connected to the MQTT broker")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	do := func(method, path, body string, header ...string) *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), method, "http://"+address+"/chat/"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { answer.Body.Close() })
		return answer
	}
	for path, status := range map[string]int{"": 200, "chat.js": 200, "events?room=a%2Fb": 400, "x": 404} {
		if got := do("GET", path, ""); got.StatusCode != status || got.Header.Get("Content-Security-Policy") == "" {
			t.Errorf("%s: %s", path, got.Status)
		}
	}
	lines := bufio.NewScanner(do("GET", "events?room=lobby", "").Body)
	next := func(part string) {
		for lines.Scan() {
			if strings.Contains(lines.Text(), part) {
				return
			}
		}
		t.Fatalf("no %q: %v", part, lines.Err())
	}
	next("event: entered")
	said := `{"Room": "lobby", "Text": "grüß <b>Gott</b>"}`
	if got := do("POST", "say", said); got.StatusCode != 403 {
		t.Errorf("without the header: %s", got.Status)
	}
	if got := do("POST", "say", said, "X-Chanmqttproxy", "1", "Origin", "http://evil.example"); got.StatusCode != 403 {
		t.Errorf("from another site: %s", got.Status)
	}
	if got := do("POST", "say", said, "X-Chanmqttproxy", "1"); got.StatusCode != 200 {
		t.Errorf("said: %s", got.Status)
	}
	next(`"topic":"chat/lobby"`)
}
