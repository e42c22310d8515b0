package main_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"chanmqttproxy/test/kit"
)

// soon is how long a page is waited for.
const soon = 30 * time.Second

// shows waits until an element of a page has that in its text.
func shows(t *testing.T, tab *kit.Tab, element, text string) {
	t.Helper()
	tab.Wait(soon, fmt.Sprintf(`document.querySelector(%q)?.textContent.includes(%q)`, element, text))
}

// TestPageOfDev: the page of a real worker in a real browser. What is done to the worker
// is done with the page's buttons. Those that lose something ask first, and none can be
// pressed that would do nothing.
func TestPageOfDev(t *testing.T) {
	t.Parallel()
	address := fmt.Sprintf("127.0.0.1:%d", kit.FreePort(t))
	if usual, err := net.Listen("tcp", "127.0.0.1:1883"); err == nil { // so that it takes another, which no test takes when it stops
		t.Cleanup(func() { _ = usual.Close() })
	}
	dev := launch(t, []string{"HTTP_LISTEN=" + address}, "dev")
	dev.waitFor("connected to the MQTT broker")
	tab := kit.Browser(t)
	tab.Size(1280, 800)
	tab.Open("http://" + address + "/")
	tab.Wait(soon, `document.querySelector('#at-subs .value')?.textContent === '3 filters'`)
	t.Logf("the tree was there after %.0f ms", kit.Script[float64](tab, `performance.now()`))
	shows(t, tab, "#live", "live, dev")
	tab.Size(390, 800)
	tab.Wait(soon, `document.querySelector('#chat').checkVisibility()`)
	if over := kit.Script[float64](tab, `(() => {
		const end = document.createRange();
		end.selectNodeContents(document.querySelector('.top h1'));
		return end.getBoundingClientRect().right - document.querySelector('#chat').getBoundingClientRect().left;
	})()`); over > 0 {
		t.Errorf("on a telephone the title covers %.0f px of what stands beside it", over)
	}
	tab.Size(1280, 800)
	act := func(node, action string) {
		t.Helper()
		tab.Click("#tab-bridge")
		tab.Click(node)
		tab.Click(fmt.Sprintf(`#detail [data-act=%q]`, action))
		if action == "stop-broker" {
			tab.Click("#ask-go")
		}
		shows(t, tab, "#said", "done")
		verb, server, _ := strings.Cut(action, "-")
		other := map[string]string{"stop": "start-", "start": "stop-"}[verb] + server
		tab.Wait(soon, fmt.Sprintf(`document.querySelector('[data-act=%q]').disabled && !document.querySelector('[data-act=%q]').disabled`, action, other))
		tab.Click("#detail-close")
	}

	act("#at-mqtt", "stop-broker")
	tab.Wait(soon, `document.querySelector('#at-conn').classList.contains('bad')`)
	tab.Click("#tab-traffic")
	tab.Type("#publish-topic", "house/attic/lamp/set")
	tab.Click("#publish")
	shows(t, tab, "#published", "It waits (no connection to the MQTT broker")
	tab.Click("#tab-timeline")
	for _, what := range []string{"lost", "before attempt", "restarted"} {
		shows(t, tab, "#panel-timeline", what)
	}
	act("#at-mqtt", "start-broker")
	tab.Wait(soon, `!document.querySelector('#at-conn').classList.contains('bad')`)
	shows(t, tab, "#published", "Published to house/attic/lamp/set")
	tab.Click("#tab-timeline")
	shows(t, tab, "#timeline li:not(.bad):not(.warn)", "connected")

	follow := func(topic string) {
		t.Helper()
		tab.Click("#tab-follow")
		kit.Script[any](tab, `document.querySelector('#follow-topic').value = ''; null`)
		tab.Type("#follow-topic", topic)
		tab.Click("#follow-next")
	}
	follow("house/attic/temperature") // the demo's
	shows(t, tab, "#outcome", "It arrived")
	shows(t, tab, ".flow", "house/+/temperature")
	follow("never/comes")
	shows(t, tab, "#outcome", "Waiting for a message")
	tab.Click("#follow-cancel")
	tab.Wait(soon, `document.querySelector('#outcome').textContent === '' && document.querySelector('#said').textContent === ''`)
	kit.Script[any](tab, `document.querySelector('#follow-topic').value = 'nobody/wants/it'; null`)
	tab.Click("#follow-publish")
	shows(t, tab, "#outcome", "has not sent it back")

	// A process that does not read has room for as many as a queue holds.
	redis, broker := printed(dev, "redis"), printed(dev, "broker")
	wants(t, execute(t, []string{"REDIS_URL=redis://" + redis}, "send", "subscribe", "topic=full/x", "channel=specific.idle!x", "overflow=drop"), 0, []string{"mqtt.subscribed"}, nil)
	device := kit.NewDevice(t, broker)
	publish := func() {
		t.Helper()
		if !device.Publish("full/x", 1, "x").WaitTimeout(soon) {
			t.Fatal("the broker did not take a message")
		}
	}
	for range 100 {
		publish()
	}
	follow("full/x")
	shows(t, tab, "#outcome", "Waiting for a message")
	publish()
	shows(t, tab, "#outcome", "It did not arrive: dropped")

	tab.Click("#tab-traffic")
	if chosen := kit.Script[string](tab, `document.querySelector('#publish-qos').value + document.querySelector('#publish-retain').checked`); chosen != "1false" {
		t.Errorf("the page publishes with QoS and retain %s unless told otherwise", chosen)
	}
	// What is in Redis cannot be known without it.
	act("#at-redis", "stop-redis")
	for _, panel := range []string{"queues", "letters"} {
		tab.Click("#tab-" + panel)
		shows(t, tab, "#panel-"+panel+" .empty.warn", "Can’t be shown now")
	}
	act("#at-redis", "start-redis")
	tab.Click("#tab-letters")
	shows(t, tab, "#panel-letters .empty:not(.warn)", "None: every command was valid.")
}

// printed is the address of a server that dev has begun.
func printed(dev *running, what string) string {
	found := regexp.MustCompile(what + ` +(?:mqtt://)?([0-9.:]+) `).FindStringSubmatch(dev.written())
	if found == nil {
		dev.t.Fatalf("dev does not say where its %s is:\n%s", what, dev.written())
	}
	return found[1]
}

// TestPageInABrowserOfAStranger: what the guard of the page refuses is refused to a real
// browser, which sends what browsers send.
func TestPageInABrowserOfAStranger(t *testing.T) {
	t.Parallel()
	const token = "0123456789abcdef"
	inside, outside := fmt.Sprint(kit.FreePort(t)), fmt.Sprint(kit.FreePort(t))
	launch(t, []string{"HTTP_LISTEN=127.0.0.1:" + inside}, "dev", "--no-demo").waitFor("connected to the MQTT broker")
	launch(t, []string{"HTTP_LISTEN=0.0.0.0:" + outside, "HTTP_TOKEN=" + token}, "dev", "--no-demo").waitFor("connected to the MQTT broker")
	tab := kit.Browser(t)

	// By a name that leads here: browsers resolve all under localhost so, as a stranger's
	// name server could any other (DNS rebinding).
	tab.Open("http://evil.localhost:" + inside + "/")
	shows(t, tab, "body", "answers to localhost, 127.0.0.1 and [::1] only")

	// By a page of another origin, which may send, but not read, and not what acts.
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<title>another site</title>"))
	}))
	defer elsewhere.Close()
	tab.Open(elsewhere.URL)
	for _, request := range []string{
		`fetch(%q + '/api/actors?kind=group')`,
		`fetch(%q + '/api/act', {method: 'POST', body: '{"Action": "stop-broker"}'})`,
		`fetch(%q + '/api/act', {method: 'POST', body: '{"Action": "stop-broker"}', headers: {'X-Chanmqttproxy': '1'}})`,
		`fetch(%q + '/api/act', {method: 'POST', body: '{"Action": "stop-broker"}', mode: 'no-cors', credentials: 'include'})`,
	} {
		request = fmt.Sprintf(request, "http://127.0.0.1:"+inside)
		if got := kit.Script[string](tab, request+`.then((r) => r.type === 'opaque' ? 'unread' : 'answered', () => 'refused')`); got == "answered" {
			t.Errorf("%s was answered", request)
		}
	}
	tab.Open("http://127.0.0.1:" + inside + "/")
	shows(t, tab, "#first", "Three steps to a first message") // nobody has subscribed
	shows(t, tab, "#first", "@on_mqtt")
	tab.Wait(soon, `document.querySelector('#at-conn')?.textContent.includes('MQTT 5')`) // nobody has stopped the broker
	tab.Click("#tab-timeline")
	shows(t, tab, "#timeline", "connected")
	if timeline := tab.Text("#timeline"); strings.Contains(timeline, "lost") {
		t.Error("another site has acted")
	}

	// Beyond loopback nobody sees or does anything without the token.
	tab.Open("http://127.0.0.1:" + outside + "/")
	shows(t, tab, "body", "a token is needed")
	act := `fetch('/api/act', {method: 'POST', headers: {'X-Chanmqttproxy': '1'}, body: '{"Action": "stop-broker"}'}).then((r) => r.status, () => 401)`
	if status := kit.Script[int](tab, act); status != http.StatusUnauthorized { // its page may not even ask
		t.Errorf("acting without the token: %d", status)
	}
	tab.Open("http://127.0.0.1:" + outside + "/?token=" + token)
	tab.Wait(soon, `document.querySelector('#at-conn')?.textContent.includes('MQTT 5')`)
	if address := kit.Script[string](tab, `location.href`); strings.Contains(address, token) {
		t.Errorf("the token stays in the address %s", address)
	}
	if status := kit.Script[int](tab, act); status != http.StatusOK {
		t.Errorf("acting with the token: %d", status)
	}
	tab.Wait(soon, `document.querySelector('#at-conn').classList.contains('bad')`)
}
