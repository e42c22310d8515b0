package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/redis/go-redis/v9"
	"golang.org/x/term"

	"chanmqttproxy/runtime/config"
)

// newLogger writes to standard error as the configuration says.
func newLogger(cfg *config.Config) *slog.Logger {
	options := &slog.HandlerOptions{Level: cfg.Log.Level}
	format := cfg.Log.Format
	if format == config.LogAuto && term.IsTerminal(int(os.Stderr.Fd())) {
		format = config.LogText
	}
	if format == config.LogText {
		return slog.New(slog.NewTextHandler(os.Stderr, options))
	}
	return slog.New(slog.NewJSONHandler(os.Stderr, options))
}

// startLog makes the logger and begins with what a person should know.
func startLog(cfg *config.Config) *slog.Logger {
	log := newLogger(cfg)
	redis.SetLogger(redisLog{log})
	log.Info("starting", "version", versionOf())
	for _, name := range cfg.Ignored {
		log.Warn("not a setting of this program: ignored", "variable", name)
	}
	return log
}

// redisLog takes what the Redis client library would write to standard error.
// It all comes back as errors too, so nobody needs it but for debugging.
type redisLog struct{ log *slog.Logger }

// Printf logs one line.
func (l redisLog) Printf(ctx context.Context, format string, args ...any) {
	l.log.DebugContext(ctx, "redis client: "+fmt.Sprintf(format, args...))
}
