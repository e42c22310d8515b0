package main

import (
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"chanmqttproxy/runtime/logs"
	"chanmqttproxy/runtime/worker"
)

// reloading reads the configuration again at each SIGHUP, until stop is called.
func reloading(c *cobra.Command, w *worker.Worker, log *slog.Logger, control logs.Control) (stop func()) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range hangups {
			w.Reloading(func() { reload(c, w, log, control) })
		}
	}()
	return func() {
		signal.Stop(hangups)
		close(hangups)
		<-done
	}
}

// reload has what can change be as it is configured now: all of it, or nothing where
// something is wrong.
func reload(c *cobra.Command, w *worker.Worker, log *slog.Logger, control logs.Control) {
	cfg, err := load(c)
	if err != nil {
		log.Error("the configuration was not reloaded, and stays as it was: correct it and send SIGHUP again", "error", err)
		return
	}
	control.SetLevels(cfg.Log.Level, cfg.Log.Levels)
	restart := w.Reload(cfg)
	log.Info("configuration reloaded", "subscriptions", len(cfg.Subscriptions))
	if len(restart) > 0 {
		log.Warn("settings have changed that need a restart", "settings", strings.Join(restart, ", "))
	}
}
