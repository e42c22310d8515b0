package devpage_test

import (
	"net/http"
	"strings"
	"testing"

	"chanmqttproxy/runtime/devpage"
)

const token = "0123456789abcdef"

func (b *bench) refuses(wants int, method, path string, headers ...string) {
	b.Helper()
	status, text, h := b.ask(method, path, `{"Topic": "a"}`, headers...)
	if status != wants {
		b.Errorf("%s %s %q: %d %.100s, want %d", method, path, headers, status, text, wants)
	}
	if wants >= 400 && (!strings.Contains(text, `"Error"`) || strings.Contains(text, "bridge")) {
		b.Errorf("%s %s %q: %s", method, path, headers, text)
	}
	if h.Get("Content-Security-Policy") == "" || h.Get("X-Content-Type-Options") != "nosniff" {
		b.Errorf("%s %s: headers %v", method, path, h)
	}
}

func TestWhoMayNotComeIn(t *testing.T) {
	t.Parallel()
	b := open(t, nil)
	host := strings.TrimPrefix(b.url, "http://")
	for _, path := range []string{"/", "/api/actors?kind=group", "/api/events", "/api/tail?filter=%23"} {
		for _, name := range []string{"evil.example", "evil.example:8083", "127.0.0.1.evil.example", "10.0.0.1", ""} {
			if name != "" {
				b.refuses(http.StatusMisdirectedRequest, "GET", path, "Host", name)
			}
		}
		b.refuses(http.StatusForbidden, "GET", path, "Origin", "http://evil.example")
		b.refuses(http.StatusForbidden, "GET", path, "Origin", "null")
		b.refuses(http.StatusForbidden, "GET", path, "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "cors")
	}
	b.refuses(http.StatusForbidden, "POST", "/api/trace")
	b.refuses(http.StatusForbidden, "POST", "/api/trace", "X-Chanmqttproxy", "1", "Origin", "http://evil.example")
	b.refuses(http.StatusOK, "POST", "/api/trace", "X-Chanmqttproxy", "1", "Origin", b.url)
	b.refuses(http.StatusOK, "GET", "/api/queues", "Host", "localhost")
	b.refuses(http.StatusOK, "GET", "/", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Host", host)
	b.refuses(http.StatusNotFound, "GET", "/api/nothing")
}

func TestToken(t *testing.T) {
	t.Parallel()
	b := open(t, func(o *devpage.Options) { o.Token, o.Loopback = token, false })
	for _, headers := range [][]string{nil, {"Authorization", "Bearer wrong"}, {"Authorization", "Basic " + token}, {"Cookie", "chanmqttproxy=" + token}} {
		for _, path := range []string{"/", "/api/queues", "/api/events", "/api/tail?filter=%23", "/app.js"} {
			b.refuses(http.StatusUnauthorized, "GET", path, headers...)
		}
		b.refuses(http.StatusUnauthorized, "POST", "/api/act", append([]string{"X-Chanmqttproxy", "1"}, headers...)...)
	}
	b.refuses(http.StatusUnauthorized, "GET", "/?token=wrong")
	b.refuses(http.StatusOK, "GET", "/api/queues", "Authorization", "Bearer "+token, "Host", "worker.example:8083")
	b.refuses(http.StatusForbidden, "GET", "/api/queues", "Authorization", "Bearer "+token, "Origin", "http://evil.example")

	status, _, h := b.ask("GET", "//evil.example/?a=1&token="+token, "")
	cookie := h.Get("Set-Cookie")
	if status != http.StatusSeeOther || h.Get("Location") != "/evil.example/?a=1" || strings.Contains(cookie, token) ||
		!strings.Contains(cookie, "HttpOnly") || !strings.Contains(cookie, "SameSite=Strict") {
		t.Errorf("%d to %q with %q", status, h.Get("Location"), cookie)
	}
	pass, _, _ := strings.Cut(cookie, ";")
	b.refuses(http.StatusOK, "GET", "/api/queues", "Cookie", pass)
}

func TestReadOnly(t *testing.T) {
	t.Parallel()
	b := open(t, func(o *devpage.Options) { o.About = devpage.About{} })
	for _, path := range []string{"/api/publish", "/api/trace", "/api/act"} {
		b.refuses(http.StatusForbidden, "POST", path, "X-Chanmqttproxy", "1")
	}
	b.subscribe("a", "alerts")
	events := b.events("/api/tail?filter=a")
	for range 100 {
		b.send("a", "secret")
	}
	if m := b.wait(events, "messages", `"Direction":"in"`); strings.Contains(m, "secret") || !strings.Contains(m, `"Bytes":6`) {
		t.Error(m)
	}
}

func TestActingWithoutDevelopment(t *testing.T) {
	t.Parallel()
	s := &server{}
	b := open(t, func(o *devpage.Options) { o.About.Dev, o.Broker, o.Redis = false, s, s })
	for _, action := range []string{"stop-broker", "start-broker", "stop-redis", "start-redis", "slow"} {
		b.post("/api/act", `{"Action": "`+action+`", "Path": "bridge/router"}`, http.StatusForbidden)
	}
	b.post("/api/act", `{"Action": "restart", "Path": "bridge/session/connection"}`, http.StatusOK)
	if s.did != nil {
		t.Error(s.did)
	}
}
