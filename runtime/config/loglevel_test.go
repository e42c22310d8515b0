package config_test

import (
	"log/slog"
	"testing"
)

func TestLogLevels(t *testing.T) {
	t.Parallel()
	c := must(t, []string{"LOG_LEVEL=warn, mqtt=debug,layer=ERROR"})
	if c.Log.Level != slog.LevelWarn || c.Log.Levels["mqtt"] != slog.LevelDebug || c.Log.Levels["layer"] != slog.LevelError || len(c.Log.Levels) != 2 {
		t.Errorf("%+v", c.Log)
	}
	if c := must(t, []string{"LOG_LEVEL=mqtt=debug"}); c.Log.Level != slog.LevelInfo || len(c.Log.Levels) != 1 {
		t.Errorf("%+v", c.Log)
	}
	for _, value := range []string{"loud", "info,mqtt=loud", "info,mqt=debug", "=debug,", ",", "info,"} {
		if _, err := load(t, []string{"LOG_LEVEL=" + value}); err == nil {
			t.Errorf("%s was taken", value)
		}
	}
}
