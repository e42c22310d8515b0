package main

import (
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"chanmqttproxy/runtime/config"
	"chanmqttproxy/runtime/logs"
	"chanmqttproxy/runtime/systemd"
	"chanmqttproxy/runtime/worker"
)

func runCommand(stderr *logs.Queue) *cobra.Command {
	return configured(&cobra.Command{
		Use:   "run",
		Short: "Run the worker",
		Long: `Run the worker until SIGINT or SIGTERM. Then it finishes its work and ends;
a second signal stops it at once. The broker and Redis may start later, or stop and
come back.`,
		Example: `  # The broker and Redis on this machine:
  chanmqttproxy run

  # Settings from the environment, as in a container; secrets from files:
  MQTT_HOST=mqtts://broker MQTT_USER=site MQTT_PASSWORD_FILE=/run/secrets/mqtt \
    REDIS_URL=redis://cache:6379 chanmqttproxy run

  # Settings from a file:
  chanmqttproxy run --config /etc/chanmqttproxy.yaml`,
	}, func(c *cobra.Command, cfg *config.Config) error { return run(c, cfg, stderr) })
}

func run(c *cobra.Command, cfg *config.Config, stderr *logs.Queue) error {
	log, control, flush := startLog(cfg, stderr)
	defer flush()
	w := newWorker(cfg, log, stderr)
	defer reloading(c, w, log, control)()
	return w.Run(c.Context())
}

func newWorker(cfg *config.Config, log *slog.Logger, stderr *logs.Queue) *worker.Worker {
	w := worker.New(cfg, log)
	w.Logs = stderr
	w.Version = versionOf()
	w.Manager = systemd.Find(os.Environ(), os.Getpid())
	limitMemory(log)
	return w
}
