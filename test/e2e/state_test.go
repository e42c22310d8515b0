package e2e_test

import (
	"strings"
	"testing"
	"time"

	"chanmqttproxy/test/kit"
)

// The state page of the example site: what devices had said before anybody was
// there, kept in a model by "manage.py runworker", and what they say then.
func TestState(t *testing.T) {
	t.Parallel()
	redis, broker := kit.Redis(t), kit.Mosquitto(t)
	device := kit.NewDevice(t, broker.Addr())
	device.Retain("house/lamp", "on")
	device.Retain("house/door", "shut")
	worker := kit.Worker(t, []string{"REDIS_URL=" + redis.URL(), "MQTT_HOST=" + broker.Addr()},
		"run", "--config", kit.SiteFile("chanmqttproxy.yaml"))
	site := kit.Site(t, redis.URL())
	site.RunWorker("state")

	page := kit.Browser(t)
	page.Open(site.URL + "/state/")
	shows(t, page, "house/lampon", "house/doorshut")

	device.Publish("house/lamp", 1, "off") // not retained: the model alone knows it
	shows(t, page, "house/lampoff", "house/doorshut")
	device.Retain("house/door", "")
	kit.Eventually(t, time.Minute, "the door is gone", func() bool {
		return !strings.Contains(page.Text("#rows"), "house/door")
	})

	later := kit.Browser(t)
	later.Open(site.URL + "/state/")
	shows(t, later, "house/lampoff")
	if rows := later.Text("#rows"); strings.Contains(rows, "house/door") {
		t.Errorf("the page shows what is gone: %s", rows)
	}
	device.Publish("house/door", 1, "open")
	for _, p := range []*kit.Tab{page, later} {
		shows(t, p, "house/lampoff", "house/dooropen")
	}
	worker.Stop()
	site.Stop()
}

// shows waits until the state page shows rows, each a topic and its payload.
func shows(t *testing.T, page *kit.Tab, rows ...string) {
	t.Helper()
	for _, row := range rows {
		kit.Eventually(t, time.Minute, "the page shows "+row, func() bool {
			return strings.Contains(page.Text("#rows"), row)
		})
	}
}
