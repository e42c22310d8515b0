package e2e_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chanmqttproxy/test/kit"
)

// house is the example site's house with all that is around it.
type house struct {
	t      *testing.T
	broker *kit.MosquittoServer
	db     *kit.PostgresServer
	site   *kit.SiteServer
	device *kit.Device
	page   *kit.Tab
}

// The house of the example site: what devices said before anybody was there is in the
// first paint, buttons reach the lamps, devices reach the page, a refusal is shown, the
// plot has the readings, and the admin lists the topics.
func TestHouse(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.firstPaint()
	h.page = kit.Browser(t)
	for _, look := range []struct {
		theme         string
		width, height int64
	}{{"light", 1280, 800}, {"dark", 390, 844}} {
		h.page.Size(look.width, look.height)
		h.page.Theme(look.theme)
		h.switches(look.theme)
		h.looks("house-" + look.theme)
		h.plots(look.theme)
		h.looks("sensor-" + look.theme)
	}
	h.admin()
	h.brokerAway()
	h.site.Stop()
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, db: kit.Postgres(t)}
	redis := kit.Redis(t)
	h.broker = kit.Mosquitto(t, kit.MosquittoACL(t, "topic readwrite #\ntopic deny house/cellar/lamp/alarm/set\n")...)
	h.device = kit.NewDevice(t, h.broker.Addr())
	h.device.Listen("house/+/lamp/+/set", 1)
	h.device.Retain("house/hall/lamp/ceiling", "on")
	h.site = kit.Site(t, redis.URL(), "MQTT_HOST="+h.broker.Addr(), "DJANGO_SUPERUSER_PASSWORD=let me in",
		"PGDATABASE=postgres", "PGHOST=127.0.0.1", "PGPORT="+h.db.Port(), "PGUSER=postgres")
	h.site.Manage("makemigrations", "--check", "--dry-run")
	h.site.Manage("migrate")
	h.site.Manage("loaddata", "house")
	h.site.Manage("createsuperuser", "--noinput", "--username", "admin", "--email", "admin@example.org")
	h.site.StartManage("runmqtt")
	return h
}

// firstPaint waits until the handlers have kept what devices said, and looks into the
// page as it comes, before any script.
func (h *house) firstPaint() {
	h.t.Helper()
	kit.Eventually(h.t, time.Minute, "the state has the lamp", func() bool {
		return h.db.Query("select count(*) from chanmqttproxy_state_lastmessage where topic = 'house/hall/lamp/ceiling'") == "1"
	})
	h.device.Publish("house/hall/sensor/temperature", 1, "21.5")
	h.reading(21.5)
	kit.Eventually(h.t, time.Minute, "both are in the first paint", func() bool {
		page := h.get("/")
		return strings.Contains(page, `data-topic="house/hall/lamp/ceiling">on<`) &&
			strings.Contains(page, `data-topic="house/hall/sensor/temperature">21.5<`)
	})
}

// reading waits until the handler has kept a reading.
func (h *house) reading(value float64) {
	h.t.Helper()
	kit.Eventually(h.t, time.Minute, fmt.Sprintf("the handler keeps %g", value), func() bool {
		return h.db.Query(fmt.Sprintf("select count(*) from house_reading where value = %g", value)) != "0"
	})
}

func (h *house) get(path string) string {
	h.t.Helper()
	answer, err := http.Get(h.site.URL + path)
	if err != nil {
		h.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		h.t.Fatalf("%s: %s: %v", path, answer.Status, err)
	}
	return string(body)
}

// switches presses a button, which the lamp obeys and the page shows; another is refused.
func (h *house) switches(value string) {
	h.t.Helper()
	h.page.Open(h.site.URL + "/")
	h.shows("#connection", "live")
	h.shows(`[data-topic="house/hall/lamp/ceiling"]`, "on")
	heard := len(h.device.Heard())
	h.page.Click(`[aria-label="Table on"]`)
	kit.Eventually(h.t, time.Minute, "the lamp hears it", func() bool { return len(h.device.Heard()) > heard })
	got := h.device.Heard()[heard]
	if want := (kit.Heard{Topic: "house/kitchen/lamp/table/set", Payload: "on", QoS: 1}); got != want {
		h.t.Errorf("the lamp heard %+v, want %+v", got, want)
	}
	h.device.Retain("house/kitchen/lamp/table", "on, says "+value)
	h.shows(`[data-topic="house/kitchen/lamp/table"]`, "on, says "+value)

	h.page.Click(`[aria-label="Alarm light on"]`)
	h.page.Wait(time.Minute, `!document.querySelector('#problem').hidden`)
	if text := h.page.Text("#problem"); !strings.Contains(strings.ToLower(text), "not authorized") {
		h.t.Errorf("the page says %q about a publish that the broker refused", text)
	}
}

// plots opens the page of a sensor, and adds a reading to it.
func (h *house) plots(theme string) {
	h.t.Helper()
	h.page.Open(h.site.URL + "/")
	h.page.Click(`a[href="/sensors/1/"]`)
	h.shows("#connection", "live")
	points := func() int {
		return kit.Script[int](h.page, `(document.querySelector('#plot polyline')?.points.length || 0)`)
	}
	before := points()
	if before == 0 {
		h.t.Error("the plot has no points")
	}
	value := map[string]float64{"light": 22.5, "dark": 19.5}[theme]
	h.device.Publish("house/hall/sensor/temperature", 1, fmt.Sprint(value))
	h.shows(".now output", fmt.Sprint(value))
	kit.Eventually(h.t, time.Minute, "the plot has one point more", func() bool { return points() == before+1 })
	h.reading(value)
}

// looks checks that nothing scrolls sideways, and that everybody can read it.
func (h *house) looks(name string) {
	h.t.Helper()
	h.page.Wait(10*time.Second, `document.documentElement.scrollWidth <= innerWidth`)
	if found := h.page.Axe("body"); len(found) > 0 {
		h.t.Errorf("%s is not accessible: %v", name, found)
	}
	if dir := os.Getenv("PICTURES"); dir != "" {
		_ = os.WriteFile(filepath.Join(dir, name+".png"), h.page.Picture(), 0o600)
	}
}

// admin signs in and looks for the topics.
func (h *house) admin() {
	h.t.Helper()
	h.page.Size(1280, 800)
	h.page.Open(h.site.URL + "/admin/login/?next=/admin/chanmqttproxy_state/lastmessage/")
	h.page.Type("#id_username", "admin")
	h.page.Type("#id_password", "let me in\n")
	h.shows("#result_list", "house/hall/lamp/ceiling")
	h.shows("#result_list", "house/hall/sensor/temperature")
	h.page.Open(h.site.URL + "/admin/house/reading/")
	h.shows("#result_list", "Hall: Temperature")
}

// brokerAway has pages say so.
func (h *house) brokerAway() {
	h.t.Helper()
	h.page.Open(h.site.URL + "/")
	h.shows("#connection", "live")
	h.broker.Stop()
	h.shows("#connection", "no connection to the MQTT broker")
	h.broker.Start()
	h.shows("#connection", "live")
}

func (h *house) shows(element, text string) {
	h.t.Helper()
	h.page.Wait(time.Minute, fmt.Sprintf(`document.querySelector(%q)?.textContent.includes(%q)`, element, text))
}
