package logs_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"chanmqttproxy/runtime/logs"
	"chanmqttproxy/test/kit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestLevelsOfComponents(t *testing.T) {
	t.Parallel()
	var out kit.Buffer
	log, control, _ := logs.New(&out, logs.Options{Level: slog.LevelInfo, Levels: map[string]slog.Level{"mqtt": slog.LevelDebug, "layer": slog.LevelError}, Text: true})
	for _, component := range []string{"mqtt", "layer", "actors"} {
		l := log.With(logs.Component, component, "k", "v").WithGroup("g")
		l.Debug("fine")
		l.Info("good")
		l.Error("bad")
	}
	log.Debug("fine, of nobody")
	var got []string
	written := out.Take()
	for line := range strings.Lines(written) {
		_, line, _ = strings.Cut(line, " ")
		got = append(got, strings.TrimSpace(line))
	}
	want := []string{
		"level=DEBUG msg=fine component=mqtt k=v", "level=INFO msg=good component=mqtt k=v", "level=ERROR msg=bad component=mqtt k=v",
		"level=ERROR msg=bad component=layer k=v",
		"level=INFO msg=good component=actors k=v", "level=ERROR msg=bad component=actors k=v",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("logged\n%s", written)
	}

	// Loggers that were made before follow.
	mqtt, layer := log.With(logs.Component, "mqtt"), log.With(logs.Component, "layer")
	control.SetLevels(slog.LevelWarn, map[string]slog.Level{"layer": slog.LevelDebug})
	mqtt.Info("no more")
	log.Info("no more")
	layer.Debug("now")
	if written := out.Take(); strings.Contains(written, "no more") || !strings.Contains(written, "now") {
		t.Errorf("with other levels it logged\n%s", written)
	}
}

// lines are what was written, as JSON.
func lines(t *testing.T, out *kit.Buffer) []map[string]any {
	t.Helper()
	var all []map[string]any
	for line := range strings.Lines(out.Take()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatal(err)
		}
		all = append(all, fields)
	}
	return all
}

func TestRepeats(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out kit.Buffer
		log, _, flush := logs.New(&out, logs.Options{})
		flood := func(n int) {
			for i := range n {
				log.With("to", i).Warn("again", "i", i)
			}
		}
		flood(logs.Repeats + 30)
		log.Error("another")
		for range 100 {
			log.Info("no trouble")
		}
		if got := lines(t, &out); len(got) != logs.Repeats+1+100 {
			t.Errorf("%d lines at once", len(got))
		}
		time.Sleep(logs.Span)
		synctest.Wait()
		got := lines(t, &out)
		if len(got) != 1 || got[0]["repeated"] != 30.0 || got[0]["i"] != float64(logs.Repeats+29) || got[0]["to"] != got[0]["i"] || got[0]["level"] != "WARN" {
			t.Errorf("after a while: %v", got)
		}
		flood(logs.Repeats + 2)
		flush()
		got = lines(t, &out)
		if len(got) != logs.Repeats+1 || got[logs.Repeats]["repeated"] != 2.0 {
			t.Errorf("at the end: %v", got)
		}
	})
}

// TestAlike: what is wrong in different ways is told one by one, up to a bound.
func TestAlike(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out kit.Buffer
		log, _, flush := logs.New(&out, logs.Options{})
		for i := range logs.Alike + 5 {
			log.Warn("bad input", "error", fmt.Errorf("fault %d", i))
		}
		for range 7 {
			log.Warn("bad input", "error", errors.New("fault 0"))
		}
		if got := lines(t, &out); len(got) != logs.Alike {
			t.Errorf("%d lines at once", len(got))
		}
		flush()
		if got := lines(t, &out); len(got) != 1 || got[0]["repeated"] != 12.0 {
			t.Errorf("at the end: %v", got)
		}
	})
}
