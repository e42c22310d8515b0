package devpage_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"chanmqttproxy/test/kit"
)

func TestScreens(t *testing.T) {
	dir := os.Getenv("SCREENS")
	if dir == "" {
		t.Skip("SCREENS names no folder for the screenshots")
	}
	f, url := serve(t, 10_000)
	tab := kit.Browser(t)
	tab.Size(1280, 800)
	shots := func(suffix string) {
		for _, panel := range []string{"bridge", "subscriptions", "topic", "follow", "queues", "letters", "traffic", "timeline", "log"} {
			tab.Click("#tab-" + panel)
			switch panel {
			case "topic":
				kit.Script[any](tab, `document.getElementById('topic').value = 'house/0/kitchen/temperature'; document.getElementById('topic').dispatchEvent(new Event('input'))`)
			case "follow":
				kit.Script[any](tab, `document.getElementById('follow-topic').value = 'dropped'; document.getElementById('follow-next').click()`)
			}
			time.Sleep(1200 * time.Millisecond)
			must(t, os.WriteFile(filepath.Join(dir, panel+suffix+".png"), tab.Picture(), 0o644))
		}
	}
	tab.Open(url)
	time.Sleep(8 * time.Second)
	f.loseBroker(true)
	f.loseBroker(false)
	f.mu.Lock()
	f.failed = time.Time{}
	f.mu.Unlock()
	shots("-light")
	tab.Click("#theme")
	f.loseBroker(true)
	shots("-dark")
	tab.Size(390, 844)
	shots("-dark-390")
	tab.Click("#theme")
	tab.Click("#tab-bridge")
	tab.Click("#at-sess")
	time.Sleep(time.Second)
	must(t, os.WriteFile(filepath.Join(dir, "detail-390.png"), tab.Picture(), 0o644))
	tab.Size(1280, 800)
	time.Sleep(time.Second)
	must(t, os.WriteFile(filepath.Join(dir, "detail-1280.png"), tab.Picture(), 0o644))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
