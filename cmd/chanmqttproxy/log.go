package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/redis/go-redis/v9"
	"golang.org/x/term"

	"chanmqttproxy/runtime/config"
	"chanmqttproxy/runtime/logs"
)

// startLog makes the logger, which writes to standard error as the configuration
// says, and begins with what a person should know. At the end flush is to be
// called. From here on a reader of the log that goes away costs lines, not the worker.
func startLog(cfg *config.Config, stderr *logs.Queue) (log *slog.Logger, control logs.Control, flush func()) {
	signal.Ignore(syscall.SIGPIPE)
	asText := cfg.Log.Format == config.LogText || cfg.Log.Format == config.LogAuto && term.IsTerminal(int(os.Stderr.Fd()))
	stderr.Configure(cfg.Log.Memory, asText)
	log, control, flush = logs.New(stderr, logs.Options{Level: cfg.Log.Level, Levels: cfg.Log.Levels, Text: asText})
	redis.SetLogger(redisLog{log})
	log.Info("starting", "version", versionOf())
	logWarnings(log, cfg)
	return log, control, flush
}

// logWarnings logs what of a configuration is probably not meant.
func logWarnings(log *slog.Logger, cfg *config.Config) {
	for _, w := range cfg.Warnings {
		log.Warn("the configuration may not be what you mean", "setting", w.Where, "error", w.Err)
	}
	for _, name := range cfg.Ignored {
		log.Warn("ignored: not a setting of this program", "variable", name)
	}
}

// redisLog takes what the Redis client library would write to standard error.
// It all comes back as errors too, so nobody needs it but for debugging.
type redisLog struct{ log *slog.Logger }

// Printf logs one line.
func (l redisLog) Printf(ctx context.Context, format string, args ...any) {
	l.log.DebugContext(ctx, "redis client: "+fmt.Sprintf(format, args...))
}
