package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"syscall"

	"github.com/spf13/cobra"

	"chanmqttproxy/runtime/config"
	"chanmqttproxy/runtime/embedded"
	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/runtime/worker"
)

func devCommand() *cobra.Command {
	return configured(&cobra.Command{
		Use:   "dev",
		Short: "Run the worker with a Redis and a broker of its own",
		Long: `Run the worker with an embedded Redis and an embedded MQTT broker on loopback, so
that nothing else is needed. They hold everything in memory. Where REDIS_URL or
CHANNEL_LAYERS is set, that Redis is used instead; likewise MQTT_HOST.`,
		Example: `  # With both servers embedded:
  chanmqttproxy dev

  # With the Redis that is there already:
  chanmqttproxy dev --redis-url redis://localhost:6379`,
	}, dev)
}

func dev(c *cobra.Command, cfg *config.Config) error {
	log, flush := startLog(cfg)
	defer flush()
	out := c.OutOrStdout()
	stopRedis, err := devRedis(out, cfg)
	if err != nil {
		return err
	}
	defer stopRedis()
	stopBroker, err := devBroker(out, cfg, log)
	if err != nil {
		return err
	}
	defer stopBroker()
	w := newWorker(cfg, log)
	if err := devListen(out, cfg, w); err != nil {
		return err
	}
	return w.Run(c.Context())
}

// devListen opens the listener for health and metrics where none is configured.
func devListen(out io.Writer, cfg *config.Config, w *worker.Worker) error {
	if cfg.Source("HTTP_LISTEN") != config.Default {
		return nil
	}
	address, err := atOrNear(out, "http", "8083", w.Listen)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "http    http://%s/readyz and /metrics\n", address)
	return err
}

// devRedis starts a Redis where the configuration names none, and returns how
// to stop it.
func devRedis(out io.Writer, cfg *config.Config) (stop func(), err error) {
	if cfg.Source("REDIS_URL") != config.Default || cfg.Source("CHANNEL_LAYERS") != config.Default {
		for _, host := range cfg.Layer.Hosts {
			_, err = fmt.Fprintf(out, "redis   %s\n", layer.Host(host).Name())
		}
		return func() {}, err
	}
	_, port, _ := net.SplitHostPort(cfg.Layer.Hosts[0].Redis.Addr)
	server, err := atOrNear(out, "redis", port, embedded.Redis)
	if err != nil {
		return nil, err
	}
	cfg.Layer.Hosts[0].Redis.Addr = server.Addr()
	_, err = fmt.Fprintf(out, `redis   %[1]s (embedded)
        In the site's settings:
        CHANNEL_LAYERS = {"default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": ["redis://%[1]s"]}}}
`, server.Addr())
	return server.Close, err
}

// devBroker starts a broker where the configuration names none, and returns
// how to stop it.
func devBroker(out io.Writer, cfg *config.Config, log *slog.Logger) (stop func(), err error) {
	if cfg.Source("MQTT_HOST") != config.Default {
		_, err := fmt.Fprintf(out, "broker  %s\n", cfg.Broker.Servers[0])
		return func() {}, err
	}
	server, err := atOrNear(out, "broker", cfg.Broker.Servers[0].Port(), func(addr string) (*embedded.BrokerServer, error) {
		return embedded.Broker(addr, embedded.BrokerOptions{Logger: log})
	})
	if err != nil {
		return nil, err
	}
	cfg.Broker.Servers = []*url.URL{{Scheme: "mqtt", Host: server.Addr()}}
	host, port, _ := net.SplitHostPort(server.Addr())
	_, err = fmt.Fprintf(out, `broker  %s (embedded)
        Publish something:
        mosquitto_pub -h %s -p %s -t hello -m world
`, server.Addr(), host, port)
	return server.Close, err
}

// atOrNear starts a server on the port of loopback, or on a free one where it
// is taken.
func atOrNear[S any](out io.Writer, what, port string, start func(addr string) (S, error)) (S, error) {
	server, err := start(net.JoinHostPort("127.0.0.1", port))
	if !errors.Is(err, syscall.EADDRINUSE) {
		return server, err
	}
	if _, err := fmt.Fprintf(out, "%-7s port %s is taken: using a free one\n", what, port); err != nil {
		return server, err
	}
	return start("127.0.0.1:0")
}
