package e2e_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/test/kit"
)

// The worker's page beside a real site: what the site does shows without a reload, and
// messages are followed to where they end.
func TestPageBesideASite(t *testing.T) {
	t.Parallel()
	redis, broker := kit.Redis(t), kit.Mosquitto(t)
	address := fmt.Sprintf("127.0.0.1:%d", kit.FreePort(t))
	kit.Worker(t, []string{"REDIS_URL=" + redis.URL(), "MQTT_HOST=" + broker.Addr(), "HTTP_LISTEN=" + address, "HTTP_ACT=true"}, "run")
	kit.Eventually(t, 30*time.Second, "the page is served", func() bool { return kit.Answers(address, nil, time.Second) })
	page := kit.Browser(t)
	page.Size(1280, 800)
	page.Open("http://" + address + "/")
	shows := func(element, text string) {
		t.Helper()
		page.Wait(30*time.Second, fmt.Sprintf(`document.querySelector(%q)?.textContent.includes(%q)`, element, text))
	}
	shows("#at-conn", "MQTT 5")
	shows("#at-subs .value", "0")
	kit.Script[any](page, `window.loaded = 'once'; null`)

	site := kit.Site(t, redis.URL())
	room := kit.Browser(t)
	room.Open(site.URL + "/chat/lobby/")
	kit.Eventually(t, time.Minute, "the room is connected", func() bool { return room.Text("#state") == "connected" })
	shows("#at-subs .value", "1")
	page.Click("#tab-subscriptions")
	shows("#panel-subscriptions", "chat/lobby")

	// Delivered, and to which queue.
	device := kit.NewDevice(t, broker.Addr())
	publish := func(topic string) {
		t.Helper()
		if !device.Publish(topic, 1, "x").WaitTimeout(time.Minute) {
			t.Fatalf("publishing to %s: no acknowledgement in 20 s", topic)
		}
	}
	follow := func(topic string) {
		t.Helper()
		page.Click("#tab-follow")
		kit.Script[any](page, `document.querySelector('#follow-topic').value = ''; null`)
		page.Type("#follow-topic", topic)
		page.Click("#follow-next")
		shows("#outcome", "Waiting for a message")
		publish(topic)
	}
	follow("chat/lobby")
	shows("#outcome", "It arrived: in Redis, for group/")
	shows("#outcome", ": specific.")
	page.Click("#tab-bridge")
	shows("#panel-bridge", "1 writer to a group")
	page.Click("#at-grps")
	shows("#detail", "lobby")
	page.Click("#detail tbody .link")
	for _, fact := range []string{"Consumers1", "Full queues", "Messages dropped", "Queues", "specific."} {
		shows("#detail", fact)
	}
	page.Click("#detail-close")

	// Dropped, since a process does not read.
	idle := kit.NewDjango(t, redis.Addr())
	idle.Join("full")
	idle.Send(append(kit.Subscribe("full/x", "full", 1), messages.Pair{Key: "overflow", Value: "drop"}))
	shows("#at-subs .value", "2")
	for range 100 {
		publish("full/x")
	}
	follow("full/x")
	shows("#outcome", "It did not arrive: dropped")

	// Of no filter.
	kit.Script[any](page, `document.querySelector('#follow-topic').value = 'nobody/x'; null`)
	page.Click("#follow-publish")
	shows("#outcome", "no filter here matches its topic")

	// An invalid command is put back from the page, and dropped after a question.
	idle.Send(messages.Map{{Key: "type", Value: "mqtt.nonsense"}})
	page.Click("#tab-letters")
	shows("#panel-letters", "nonsense")
	page.Click(`#panel-letters [data-act="requeue-letters"]`)
	shows("#said", "Put back: done")
	shows("#panel-letters", "nonsense") // it is as invalid as before
	page.Click(`#panel-letters [data-act="drop-letters"]`)
	page.Click("#ask-go")
	shows("#panel-letters", "every command was valid")
	if got := kit.Script[string](page, `window.loaded || ''`); got != "once" {
		t.Error("the page was loaded again")
	}
}

// Who holds which session is seen on the page of each worker, and in a terminal.
func TestPageShowsSessions(t *testing.T) {
	t.Parallel()
	redis, broker := kit.Redis(t), kit.Mosquitto(t)
	env := []string{"REDIS_URL=" + redis.URL(), "MQTT_HOST=" + broker.Addr(), "MQTT_SESSIONS=3"}
	address := fmt.Sprintf("127.0.0.1:%d", kit.FreePort(t))
	other := kit.Worker(t, env, "run")
	logs(t, other, "connected to the MQTT broker")
	kit.Worker(t, append(env, "HTTP_LISTEN="+address), "run")
	kit.Eventually(t, 30*time.Second, "the page is served", func() bool { return kit.Answers(address, nil, time.Second) })
	page := kit.Browser(t)
	page.Size(1280, 1000)
	page.Open("http://" + address + "/")
	shows := func(text string) {
		t.Helper()
		page.Wait(30*time.Second, fmt.Sprintf(`document.querySelector('#panel-bridge').textContent.includes(%q)`, text))
	}
	shows("2 workers share 3 sessions")
	shows("session 2")
	page.Wait(30*time.Second, `document.querySelector('#at-conn').textContent.includes('MQTT 5')`)
	if found := page.Axe("#panel-bridge"); len(found) > 0 {
		t.Errorf("not accessible: %v", found)
	}
	if file := os.Getenv("PICTURE"); file != "" {
		_ = os.WriteFile(file, page.Picture(), 0o600)
	}
	tree := kit.Worker(t, append(env, "HTTP_LISTEN="+address), "tree")
	if code := tree.ExitCode(time.Minute); code != 0 || !strings.Contains(tree.Output(), "Worker, session 2: ") || !strings.Contains(tree.Output(), "3 sessions, 2 workers; 1 here: 2") || strings.Count(tree.Output(), ": held by ") != 3 || strings.Count(tree.Output(), ", this worker") != 1 {
		t.Errorf("tree: %d\n%s", code, tree.Output())
	}
	check := kit.Worker(t, env, "check", "--connect")
	if code := check.ExitCode(time.Minute); code != 0 || !strings.Contains(check.Output(), "Session 2: held by ") {
		t.Errorf("check: %d\n%s", code, check.Output())
	}
	other.Stop()
	shows("1 worker has 3 sessions")
	page.Wait(30*time.Second, `[...document.querySelectorAll('#panel-bridge td')].filter((td) => td.textContent === 'this worker').length === 3`)
}

// A worker that has no session says so, and has nothing that could be in trouble.
func TestPageStandsBy(t *testing.T) {
	t.Parallel()
	env := []string{"REDIS_URL=" + kit.Redis(t).URL(), "MQTT_HOST=" + kit.Mosquitto(t).Addr()}
	first := kit.Worker(t, env, "run")
	logs(t, first, "connected to the MQTT broker")
	env = append(env, fmt.Sprintf("HTTP_LISTEN=127.0.0.1:%d", kit.FreePort(t)))
	address := strings.TrimPrefix(env[2], "HTTP_LISTEN=")
	kit.Worker(t, env, "run")
	kit.Eventually(t, 30*time.Second, "the page is served", func() bool { return kit.Answers(address, nil, time.Second) })
	page := kit.Browser(t)
	page.Open("http://" + address + "/")
	page.Wait(30*time.Second, `document.querySelector('#alarm').textContent.includes('Standing by')`)
	page.Wait(30*time.Second, `document.querySelector('#at-conn').textContent.includes('standing by') && !document.querySelector('.node.bad')`)
	tree := kit.Worker(t, env, "tree")
	if code := tree.ExitCode(time.Minute); code != 0 || !strings.Contains(tree.Output(), "standing by") {
		t.Errorf("tree: %d\n%s", code, tree.Output())
	}
	first.Stop()
	page.Wait(30*time.Second, `document.querySelector('#at-conn').textContent.includes('MQTT 5')`)
}
