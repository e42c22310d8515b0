package main_test

import (
	"fmt"
	"testing"
	"time"

	"chanmqttproxy/test/kit"
)

// TestPageOfDev: the page of a real worker in a real browser.
func TestPageOfDev(t *testing.T) {
	t.Parallel()
	address := fmt.Sprintf("127.0.0.1:%d", kit.FreePort(t))
	launch(t, []string{"HTTP_LISTEN=" + address}, "dev").waitFor("connected to the MQTT broker")
	tab := kit.Browser(t)
	tab.Size(1280, 800)
	tab.Open("http://" + address + "/")
	const soon = 30 * time.Second
	shows := func(element, text string) {
		t.Helper()
		tab.Wait(soon, fmt.Sprintf(`document.querySelector(%q)?.textContent.includes(%q)`, element, text))
	}
	act := func(action string) {
		t.Helper()
		kit.Script[any](tab, fmt.Sprintf(`fetch('/api/act', {method: 'POST', headers: {'X-Chanmqttproxy': '1'}, body: JSON.stringify({Action: %q})}).then(r => r.status)`, action))
	}
	shows("#live", "live, dev")
	shows("#at-subs .value", "3")

	tab.Click("#tab-timeline")
	act("stop-broker")
	shows("#panel-timeline", "lost")
	shows("#panel-timeline", "before attempt")
	tab.Click("#tab-bridge")
	tab.Wait(soon, `document.querySelector('#at-sess.bad, #at-sess .bad, .bad #at-sess') !== null`)
	act("start-broker")
	tab.Wait(soon, `document.querySelector('#at-sess.bad, #at-sess .bad, .bad #at-sess') === null`)

	tab.Click("#tab-follow")
	tab.Type("#follow-topic", "house/attic/temperature")
	tab.Click("#follow-next")
	shows("#outcome", "It arrived")
	kit.Script[any](tab, `document.querySelector('#follow-topic').value = 'nobody/wants/it'; null`)
	tab.Click("#follow-publish")
	shows("#outcome", "has not sent it back")
}
