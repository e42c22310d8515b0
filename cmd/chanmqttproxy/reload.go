package main

import (
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"chanmqttproxy/runtime/logs"
	"chanmqttproxy/runtime/worker"
)

// reloading reads the configuration again at each SIGHUP, until stop is called. The
// SIGHUP that comes since the terminal was closed stops the worker instead, as it ends
// other programs: nobody would know that it still runs.
func reloading(c *cobra.Command, w *worker.Worker, log *slog.Logger, control logs.Control) (stop func()) {
	attached := terminal()
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range hangups {
			if attached && !terminal() {
				log.Info("the terminal was closed")
				terminate(log)
				return
			}
			w.Reloading(func() { reload(c, w, log, control) })
		}
	}()
	return func() {
		signal.Stop(hangups)
		close(hangups)
		<-done
	}
}

// terminal says whether standard error is one that is still open.
func terminal() bool { return term.IsTerminal(int(os.Stderr.Fd())) }

// terminate sends this process SIGTERM, so that it ends as ever.
func terminate(log *slog.Logger) {
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Signal(syscall.SIGTERM)
	}
	if err != nil {
		log.Error("the worker could not be stopped: send it SIGTERM", "error", err)
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
	logWarnings(log, cfg)
	if len(restart) > 0 {
		log.Warn("these settings have changed, and need a restart", "settings", strings.Join(restart, ", "))
	}
}
