package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/paho"

	"chanmqttproxy/test/kit"
)

// recipes is the site that runtime/python/README.md has its reader write, with a
// Redis, a broker and a Celery around it.
type recipes struct {
	t      *testing.T
	text   string // of the README
	dir    string // of the project
	env    []string
	redis  *kit.RedisServer
	broker *kit.MosquittoServer
	device *kit.Device
	spans  *kit.Collector
}

// Who does what runtime/python/README.md says, from nothing, has a site whose page,
// views, handlers, tasks and commands do what it promises.
func TestRecipes(t *testing.T) {
	t.Parallel()
	r := newRecipes(t)
	r.commands()
	r.files()
	r.manage("makemigrations", "house")
	r.manage("migrate")
	r.manage("check", "--fail-level", "WARNING")
	r.manage("test")
	r.start("manage.py", "runmqtt")
	port := strconv.Itoa(kit.FreePort(t))
	r.start("manage.py", "runserver", "--noreload", port)
	r.pages("http://127.0.0.1:" + port)
	r.handler()
	r.task()
	r.command()
	r.traces()
	r.shell("from house.alarm import clear; clear('hall')")
	r.hears("house/hall/alarm", "cleared")
	if left := r.sql("select count(*) from house_reading"); left != "0" {
		t.Errorf("%s readings are left", left)
	}
}

func newRecipes(t *testing.T) *recipes {
	t.Helper()
	text, err := os.ReadFile(recipesReadme)
	if err != nil {
		t.Fatal(err)
	}
	r := &recipes{t: t, text: string(text), redis: kit.Redis(t), broker: kit.Mosquitto(t), dir: t.TempDir(), spans: kit.NewCollector(t)}
	bin := t.TempDir()
	if err := os.Symlink(kit.Binary(t), filepath.Join(bin, "chanmqttproxy")); err != nil {
		t.Fatal(err)
	}
	package_, err := filepath.Abs("../../runtime/python/src")
	if err != nil {
		t.Fatal(err)
	}
	r.env = append(os.Environ(), "PATH="+bin+":"+filepath.Dir(kit.SitePython(t))+":"+os.Getenv("PATH"),
		"PYTHONPATH="+package_, "PYTHONDONTWRITEBYTECODE=1", "PYTHONUNBUFFERED=1", "HOME="+t.TempDir(),
		"OTEL_EXPORTER_OTLP_ENDPOINT="+r.spans.URL(), "OTEL_BSP_SCHEDULE_DELAY=100")
	r.device = kit.NewDevice(t, r.broker.Addr())
	r.device.Listen("house/#", 1)
	r.device.Retain("house/hall/lamp", "on")
	return r
}

// commands makes the project, and checks that all else that the reader is to type is
// known here.
func (r *recipes) commands() {
	r.t.Helper()
	for _, line := range told(r.text) {
		switch {
		case strings.HasPrefix(line, "django-admin startproject"):
			r.run(r.program("django-admin", strings.Fields(line)[1:]...))
			r.dir = filepath.Join(r.dir, "mysite")
		case strings.HasPrefix(line, "python manage.py startapp"):
			r.manage(strings.Fields(line)[2:]...)
		case !slices.Contains([]string{
			"pip install chanmqttproxy-go daphne", "pip install ./runtime/python daphne", "cd mysite",
			"pip install opentelemetry-sdk opentelemetry-exporter-otlp-proto-http", "python manage.py check",
			"python manage.py migrate", "python manage.py makemigrations house",
			"python manage.py runmqtt", "python manage.py runmqtt --dev", "python manage.py runmqtt --check",
			"manage.py runmqtt", "chanmqttproxy dead-letters list --stream handlers", "python manage.py runserver", "python manage.py meter gas",
			"mosquitto_pub -r -t house/hall/lamp -m on", "mosquitto_sub -v -t house/hall/lamp/set",
		}, line):
			r.t.Errorf("%s tells to type what no test runs: %s", recipesReadme, line)
		}
	}
}

// recipesReadme is what PyPI shows of the package.
const recipesReadme = "../../runtime/python/README.md"

// recipe is a block that begins with the name of the file that it is, or that it is
// added to.
var recipe = regexp.MustCompile("(?ms)^```(?:python|html)\n(?:#|<!--) (\\S+)( \\(at its end\\))?(?: -->)?\n(.*?)^```$")

// files writes the files of the recipes, with the addresses of the test's servers.
func (r *recipes) files() {
	r.t.Helper()
	blocks := recipe.FindAllStringSubmatch(r.text, -1)
	if n := strings.Count(r.text, "\n```\n"); n != len(blocks) {
		r.t.Errorf("%d of %d blocks begin with the name of their file", len(blocks), n)
	}
	addresses := strings.NewReplacer(`"redis://localhost:6379"`, strconv.Quote(r.redis.URL()), `MQTT_HOST = "localhost"`, "MQTT_HOST = "+strconv.Quote(r.broker.Addr()))
	for _, b := range blocks {
		path := filepath.Join(r.dir, b[1])
		before := []byte(nil)
		if b[2] != "" {
			before, _ = os.ReadFile(path)
		}
		_ = os.MkdirAll(filepath.Dir(path), 0o700)
		if err := os.WriteFile(path, append(before, addresses.Replace(b[3])...), 0o600); err != nil {
			r.t.Fatal(err)
		}
	}
}

// pages opens the page, switches the lamp, and has the lamp say what it is.
func (r *recipes) pages(site string) {
	r.t.Helper()
	page := kit.Browser(r.t)
	r.eventually("the page is there", func() bool { return kit.Answers(strings.TrimPrefix(site, "http://"), nil, time.Second) })
	r.eventually("the page has the lamp when it comes", func() bool {
		page.Open(site + "/lamps/")
		return page.Text("#hall") == "on"
	})
	r.device.Retain("house/hall/lamp", "dimmed")
	page.Wait(time.Minute, `document.querySelector('#hall').textContent === 'dimmed'`)
	page.Click(`[value="off"]`)
	r.hears("house/hall/lamp/set", "off")
	page.Wait(time.Minute, `location.pathname === '/lamps/' && document.querySelector('#hall').textContent === 'dimmed'`)
}

// handler has a reading kept. The device says it again, as nobody knows when the broker
// has granted the subscription.
func (r *recipes) handler() {
	r.t.Helper()
	measure := again(func() { r.device.Publish("house/hall/temperature", 1, "21.5") })
	r.eventually("the handler keeps it", func() bool {
		measure()
		return r.sql("select distinct room, value from house_reading") == "hall|21.5"
	})
}

// task runs a Celery that forks its workers.
func (r *recipes) task() {
	r.t.Helper()
	app := fmt.Sprintf("import os\nfrom celery import Celery\nos.environ['DJANGO_SETTINGS_MODULE'] = 'mysite.settings'\n"+
		"app = Celery('mysite', broker='%s/1')\napp.autodiscover_tasks()\n", r.redis.URL())
	if err := os.WriteFile(filepath.Join(r.dir, "mysite", "celery.py"), []byte(app), 0o600); err != nil {
		r.t.Fatal(err)
	}
	r.start("-m", "celery", "-A", "mysite", "worker", "--concurrency", "2", "--loglevel", "warning")
	r.shell("import mysite.celery; from house.tasks import good_night; good_night.delay(['attic', 'cellar'])")
	r.hears("house/attic/lamp/set", "off")
	r.hears("house/cellar/lamp/set", "off")
}

func (r *recipes) command() {
	r.t.Helper()
	kit.NewDevice5(r.t, r.broker.Addr()).Answer("house/gas/get", func(string) string { return "42" })
	if out := r.manage("meter", "gas"); !strings.Contains(out, "gas: 42") {
		r.t.Errorf("the meter says %q", out)
	}
}

// openDoor has a page open until the door is heard of.
const openDoor = `
import asyncio
from channels.testing import WebsocketCommunicator
from house.doors import DoorConsumer

async def open_page():
    page = WebsocketCommunicator(DoorConsumer.as_asgi(), "/")
    await page.connect(timeout=60)
    print(await page.receive_json_from(timeout=60))
    await page.disconnect()

asyncio.run(open_page())`

// traces has a door in a trace opened, and follows the trace to the lamp.
func (r *recipes) traces() {
	r.t.Helper()
	door, lamp := kit.NewDevice5(r.t, r.broker.Addr()), kit.NewDevice5(r.t, r.broker.Addr())
	lamp.Listen("house/porch/lamp/set", 1)
	in := &paho.PublishProperties{}
	in.User.Add("traceparent", origin)
	r.start("manage.py", "shell", "--verbosity", "0", "-c", openDoor)
	open := again(func() {
		door.Publish(&paho.Publish{Topic: "house/porch/door", QoS: 1, Payload: []byte("open"), Properties: in})
	})
	r.eventually("the lamp hears of the door", func() bool { open(); return len(lamp.Heard()) > 0 })
	heard := lamp.Heard()[0].Properties.User.Get("traceparent")
	var publish, consumer kit.CollectedSpan
	r.eventually("the spans come", func() bool {
		publish = r.span(func(s kit.CollectedSpan) bool { return heard == "00-"+originTrace+"-"+s.ID+"-01" })
		consumer = r.span(func(s kit.CollectedSpan) bool { return s.ID == publish.Parent })
		return consumer.ID != ""
	})
	if publish.Service != "chanmqttproxy" || consumer.Name != "door opened" || consumer.Parent != originSpan || consumer.Trace != originTrace {
		r.t.Errorf("the lamp heard %s of %+v, of %+v", heard, publish, consumer)
	}
}

// span is the first that was collected and is as it is to be.
func (r *recipes) span(is func(kit.CollectedSpan) bool) (found kit.CollectedSpan) {
	for _, s := range r.spans.Spans() {
		if is(s) {
			return s
		}
	}
	return found
}

func (r *recipes) hears(topic, payload string) {
	r.t.Helper()
	r.eventually("the device hears "+topic, func() bool {
		return slices.Contains(r.device.Heard(), kit.Heard{Topic: topic, Payload: payload, QoS: 1})
	})
}

func (r *recipes) eventually(what string, condition func() bool) {
	r.t.Helper()
	kit.Eventually(r.t, time.Minute, what, condition)
}

// manage runs a command of manage.py to its end.
func (r *recipes) manage(args ...string) string {
	r.t.Helper()
	return r.run(r.python(append([]string{"manage.py"}, args...)...))
}

func (r *recipes) shell(code string) { r.manage("shell", "--verbosity", "0", "-c", code) }

// sql asks the database of the project, without the time that Django takes to start.
func (r *recipes) sql(query string) string {
	r.t.Helper()
	return strings.TrimSpace(r.run(r.python("-c",
		"import sqlite3, sys\nfor row in sqlite3.connect('db.sqlite3').execute(sys.argv[1]): print(*row, sep='|')", query)))
}

// start starts what stays.
func (r *recipes) start(args ...string) { kit.Start(r.t, strings.Join(args, " "), r.python(args...)) }

func (r *recipes) python(args ...string) *exec.Cmd { return r.program("python", args...) }

// program is one of the site's Python, in the folder of the project.
func (r *recipes) program(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(filepath.Dir(kit.SitePython(r.t)), name), args...)
	cmd.Dir, cmd.Env = r.dir, r.env
	return cmd
}

func (r *recipes) run(cmd *exec.Cmd) string {
	r.t.Helper()
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, out)
	}
	return string(out)
}
