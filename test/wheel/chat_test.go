package wheel_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"chanmqttproxy/test/kit"
)

// connected is what the worker logs when it can work.
const connected = "connected to the MQTT broker"

// TestUnchangedSite: the site of a user of the replaced package, with nothing changed and
// its runworker, works on the wheel alone.
func TestUnchangedSite(t *testing.T) {
	t.Parallel()
	redis := kit.Redis(t)
	broker := kit.Mosquitto(t, kit.MosquittoPasswords(t, "site", "open sesame")...)
	env := []string{"SITE_REDIS_PORT=" + port(t, redis.Addr()), "SITE_MQTT_HOST=" + broker.Addr(), "SITE_MQTT_USER=site"}
	bin := programs(t)
	site := unchanged(t, bin, append(env, "SITE_MQTT_PASSWORD=open sesame")...)
	url := site.serve()
	wrong := unchanged(t, bin, append(env, "SITE_MQTT_PASSWORD=closed")...).manage("runworker", "mqtt")
	prints(t, wrong, "MQTT_PASSWORD")
	one, two := kit.Browser(t), kit.Browser(t)
	one.Open(url + "/chat/lobby/") // the site lives
	two.Open(url + "/chat/lobby/")
	interrupt(t, wrong)

	worker := site.manage("runworker", "mqtt")
	prints(t, worker, connected)
	second := site.manage("runworker", "mqtt")
	prints(t, second, "starting")
	chats(t, one, two)
	device(t, broker.Addr(), "open sesame", "chat/lobby", one, two)
	interrupt(t, second)

	broker.Kill()
	prints(t, worker, "no connection to the MQTT broker")
	redis.Kill()
	interrupt(t, worker) // with neither there
}

// TestUnchangedSiteBesideAnother: runworker for the worker's channel and another one.
func TestUnchangedSiteBesideAnother(t *testing.T) {
	t.Parallel()
	redis, broker := kit.Redis(t), kit.Mosquitto(t)
	site := unchanged(t, programs(t), "SITE_REDIS_PORT="+port(t, redis.Addr()), "SITE_MQTT_HOST="+broker.Addr())
	both := site.manage("runworker", "other", "mqtt")
	prints(t, both, connected)
	interrupt(t, both)

	both = site.manage("runworker", "other", "mqtt")
	prints(t, both, connected)
	both.Stop(time.Minute)

	both = site.manage("runworker", "other", "mqtt")
	prints(t, both, connected)
	child := strings.TrimSpace(output(t, "pgrep", "-P", fmt.Sprint(both.PID()), "chanmqttproxy"))
	output(t, "kill", "-KILL", child)
	if code := both.ExitCode(time.Minute); code == 0 {
		t.Error("the other worker exited with 0 when the MQTT worker was killed")
	}
}

// TestDev: the tutorial's chat with nothing else on the machine, and settings and handlers
// that change.
func TestDev(t *testing.T) {
	t.Parallel()
	redis, broker, moved, page := kit.FreePort(t), kit.FreePort(t), kit.FreePort(t), kit.FreePort(t)
	site := unchanged(t, programs(t), "SITE_REDIS_PORT="+fmt.Sprint(redis), fmt.Sprintf("SITE_MQTT_HOST=localhost:%d", broker)).
		with(fmt.Sprintf("INSTALLED_APPS = ['daphne', 'chanmqttproxy', 'channels', 'chat', 'lamps']\nCHANMQTTPROXY = {'HTTP_LISTEN': '127.0.0.1:%d'}\n", page))
	site.lamps("__init__.py", "")
	worker := site.manage("runmqtt", "--dev")
	prints(t, worker, fmt.Sprintf("http://127.0.0.1:%d/", page))
	prints(t, worker, fmt.Sprintf("redis   127.0.0.1:%d (inside this program)", redis))
	prints(t, worker, connected)
	url := site.serve()
	one, two := kit.Browser(t), kit.Browser(t)
	one.Open(url + "/chat/lobby/")
	two.Open(url + "/chat/lobby/")
	chats(t, one, two)
	lamp := kit.NewDevice(t, fmt.Sprintf("127.0.0.1:%d", broker))
	runs := func(which string) {
		kit.Eventually(t, 3*time.Minute, "the "+which+" handler runs", func() bool {
			lamp.Publish("lamps/hall", 1, "on").WaitTimeout(time.Second)
			time.Sleep(200 * time.Millisecond)
			return strings.Contains(worker.Output(), "hall for the "+which)
		})
	}
	site.handler("first") // a new file
	runs("first")
	site.lamps("mqtt_handlers.py", "import nothing_of_this_name\n")
	prints(t, worker, "lamps/mqtt_handlers.py:1: importing lamps.mqtt_handlers: ModuleNotFoundError")
	site.handler("second")
	runs("second")

	site.append("print('settings may print')\nMQTT_PORT = 'high'\n")
	prints(t, worker, `MQTT_PORT (othersettings): "high" is not a whole number`)
	site.append(fmt.Sprintf("MQTT_PORT = 1883\nMQTT_HOST = 'localhost:%d'\n", moved))
	prints(t, worker, fmt.Sprintf("broker  127.0.0.1:%d (inside this program)", moved))
	interrupt(t, worker)

	worker = site.manage("runmqtt", "--dev")
	prints(t, worker, connected)
	worker.Stop(time.Minute)
}

// handler writes the handler of the app lamps, which says which one it is.
func (s *tutorial) handler(which string) {
	s.t.Helper()
	s.lamps("mqtt_handlers.py", fmt.Sprintf("from chanmqttproxy import on_mqtt\n\n@on_mqtt('lamps/{name}')\ndef lamp(message, name):\n    print(name, 'for the', %q, flush=True)\n", which))
}

// lamps writes a file of the app lamps.
func (s *tutorial) lamps(name, text string) {
	s.t.Helper()
	app := filepath.Join(filepath.Dir(s.settings), "lamps")
	if err := errors.Join(os.MkdirAll(app, 0o700), os.WriteFile(filepath.Join(app, name), []byte(text), 0o600)); err != nil {
		s.t.Fatalf("writing the app lamps: %v", err)
	}
}

// serve starts Daphne and returns the site's URL.
func (s *tutorial) serve() string {
	s.t.Helper()
	address := fmt.Sprintf("127.0.0.1:%d", kit.FreePort(s.t))
	daphne := s.manage("runserver", "--noreload", address)
	if !kit.Answers(address, daphne.Ended(), time.Minute) {
		s.t.Fatalf("the site does not answer:\n%s", daphne.Output())
	}
	return "http://" + address
}

// chats types in one tab until both show it: the page does not know when the broker has
// granted the subscription.
func chats(t *testing.T, one, two *kit.Tab) {
	t.Helper()
	says := 0
	kit.Eventually(t, time.Minute, "both tabs show what one types", func() bool {
		says++
		word := fmt.Sprintf("word %d", says)
		one.Type("#chat-message-input", word)
		one.Click("#chat-message-submit")
		return shows(two, word) && shows(one, word)
	})
}

// shows says whether the log of a tab has a text within two seconds.
func shows(tab *kit.Tab, text string) bool {
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if strings.Contains(tab.Text("#chat-log"), text) {
			return true
		}
	}
	return false
}

// device publishes to a topic, which both tabs must show.
func device(t *testing.T, broker, password, topic string, tabs ...*kit.Tab) {
	t.Helper()
	host, port, _ := net.SplitHostPort(broker)
	output(t, kit.Need(t, "mosquitto_pub"), "-h", host, "-p", port, "-u", "site", "-P", password, "-q", "1", "-t", topic, "-m", "from the device")
	for _, tab := range tabs {
		kit.Eventually(t, time.Minute, "the tab shows the device's words", func() bool {
			return strings.Contains(tab.Text("#chat-log"), "from the device")
		})
	}
}

// interrupt is Ctrl-C, at which a worker must end with 0.
func interrupt(t *testing.T, worker *kit.Process) {
	t.Helper()
	worker.Signal(syscall.SIGINT)
	if code := worker.ExitCode(time.Minute); code != 0 {
		t.Errorf("the worker exited with %d after Ctrl-C, want 0", code)
	}
}

func output(t *testing.T, program string, args ...string) string {
	t.Helper()
	out, err := exec.Command(program, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", program, args, err, out)
	}
	return string(out)
}

func port(t *testing.T, address string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	return port
}
