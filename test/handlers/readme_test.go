package handlers_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"chanmqttproxy/test/kit"
)

// models are what the examples of handlers.md have of their own.
const models = `
from django.db import models

class Reading(models.Model):
    room = models.CharField(max_length=20)
    what = models.CharField(max_length=20)
    value = models.FloatField()
    at = models.DateTimeField()
`

// TestReadme: the handlers and the settings of handlers.md do what stands there.
func TestReadme(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	dir := filepath.Join(t.TempDir(), "site")
	if err := os.CopyFS(dir, os.DirFS(s.dir)); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"rooms/__init__.py":      "",
		"rooms/models.py":        models,
		"rooms/mqtt_handlers.py": example(t, "mqtt_handlers.py"),
		"readme.py": "from settings import *\nINSTALLED_APPS = ['chanmqttproxy', 'channels', 'rooms']\n" +
			example(t, "settings.py"),
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.dir = dir
	s.env = append(s.env, "DJANGO_SETTINGS_MODULE=readme")
	if out, err := s.command("manage.py", "migrate", "--run-syncdb", "--verbosity", "0").CombinedOutput(); err != nil {
		t.Fatalf("manage.py migrate: %v\n%s", err, out)
	}
	both := s.manage("runmqtt")
	prints(t, both, "state: subscribed to 2 topic filters")
	prints(t, both, "handlers: subscribed to 2 topic filters")
	device := kit.NewDevice(t, s.broker.Addr())
	device.Publish("house/hall/temperature", 1, "21.5").Wait()
	device.Publish("house/hall/lamp/ceiling", 1, "on").Wait()
	device.Publish("meters/hall/water", 1, `{"value": 3}`).Wait()
	want := "lamp/ceiling|2\ntemperature|21.5\nwater|3"
	kit.Eventually(t, time.Minute, "the readings", func() bool {
		return s.postgres.Query("SELECT what, value FROM rooms_reading WHERE room = 'hall' ORDER BY what") == want
	})
	kit.Eventually(t, time.Minute, "the last messages", func() bool {
		return s.postgres.Query("SELECT count(*) FROM chanmqttproxy_state_lastmessage") == "2"
	})
	both.Stop(time.Minute)
}

// example is the block of handlers.md that is a file of this name.
func example(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../../runtime/python/docs/handlers.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile("(?ms)^```python " + regexp.QuoteMeta(name) + "\n(.*?)^```$").FindSubmatch(text)
	if found == nil {
		t.Fatalf("handlers.md has no %s", name)
	}
	return string(found[1])
}
