package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"syscall"

	"github.com/spf13/cobra"

	"chanmqttproxy/runtime/config"
	"chanmqttproxy/runtime/embedded"
	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/runtime/logs"
	"chanmqttproxy/runtime/worker"
)

func devCommand(stderr *logs.Queue) *cobra.Command {
	noDemo, serve := false, false
	c := configured(&cobra.Command{
		Use:   "dev",
		Short: "Run the worker with a Redis and a broker of its own, to try it out",
		Long: `Run the worker with a Redis and an MQTT broker inside this program, simulated
devices, and a page on which to watch it. Nothing else is needed. Both servers
listen on loopback and keep everything in memory.

If REDIS_URL or CHANNEL_LAYERS is set, that Redis is used. If MQTT_HOST is set,
that broker is used. With --serve the servers inside this program listen at these
addresses, if they are on loopback and nothing answers there yet; then there are
no simulated devices.`,
		Example: `  # With both servers inside the program:
  chanmqttproxy dev

  # With the Redis that is there already:
  chanmqttproxy dev --redis-url redis://localhost:6379

  # With both inside the program, at the addresses of the environment:
  MQTT_HOST=localhost:1884 REDIS_URL=redis://localhost:6380 chanmqttproxy dev --serve

  # Without simulated devices:
  chanmqttproxy dev --no-demo`,
	}, func(c *cobra.Command, cfg *config.Config) error { return dev(c, cfg, stderr, !noDemo, serve) })
	c.Flags().BoolVar(&noDemo, "no-demo", false, "no simulated devices and consumer")
	c.Flags().BoolVar(&serve, "serve", false, "have the servers inside the program listen at the configured addresses")
	return c
}

// dev runs the worker; a demo is there only with both servers embedded, so that
// it disturbs nobody.
func dev(c *cobra.Command, cfg *config.Config, stderr *logs.Queue, withDemo, serve bool) error {
	log, control, flush := startLog(cfg, stderr)
	defer flush()
	out := c.OutOrStdout()
	var own servers
	defer own.close()
	if err := own.start(out, cfg, log, serve); err != nil {
		return err
	}
	w := newWorker(cfg, log, stderr)
	defer reloading(c, w, log, control)()
	w.Development = own.development()
	w.Development.More = map[string]http.Handler{"/chat/": newChat(cfg)}
	if err := devListen(out, cfg, w); err != nil {
		return err
	}
	if withDemo && !serve && own.redis != nil && own.broker != nil {
		ctx, cancel := context.WithCancel(c.Context())
		wait, err := demo(ctx, cfg, own.broker)
		if err != nil {
			cancel()
			return err
		}
		defer wait()
		defer cancel()
	}
	return w.Run(c.Context())
}

// servers are the embedded ones; nil where the configuration names another.
type servers struct {
	redis  *embedded.RedisServer
	broker *embedded.BrokerServer
	closes []func() // of each server that was started, in that order
}

func (s *servers) start(out io.Writer, cfg *config.Config, log *slog.Logger, serve bool) error {
	if serve {
		return s.serve(out, cfg, log)
	}
	return errors.Join(s.startRedis(out, cfg), s.startBroker(out, cfg, log))
}

// development lets the page have what is there.
func (s *servers) development() *worker.Development {
	d := &worker.Development{}
	if s.redis != nil {
		d.Redis = s.redis
	}
	if s.broker != nil {
		d.Broker = s.broker
	}
	return d
}

func (s *servers) close() {
	for _, end := range slices.Backward(s.closes) {
		end()
	}
}

// devListen opens the listener for the page, health and metrics where none is configured.
func devListen(out io.Writer, cfg *config.Config, w *worker.Worker) error {
	if cfg.Source("HTTP_LISTEN") != config.Default {
		return nil
	}
	address, err := atOrNear(out, "http", "8083", w.Listen)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "page    http://%[1]s/\n        with a chat at http://%[1]s/chat/, /readyz and /metrics\n", address)
	return err
}

// startRedis starts a Redis where the configuration names none.
func (s *servers) startRedis(out io.Writer, cfg *config.Config) (err error) {
	if cfg.Source("REDIS_URL") != config.Default || cfg.Source("CHANNEL_LAYERS") != config.Default {
		for _, host := range cfg.Layer.Hosts {
			_, err = fmt.Fprintf(out, "redis   %s\n", layer.Host(host).Name())
		}
		return err
	}
	_, port, _ := net.SplitHostPort(cfg.Layer.Hosts[0].Redis.Addr)
	server, err := atOrNear(out, "redis", port, embedded.Redis)
	if err != nil {
		return err
	}
	s.redis, s.closes = server, append(s.closes, server.Close)
	cfg.Layer.Hosts[0].Redis.Addr = server.Addr()
	_, err = fmt.Fprintf(out, `redis   %[1]s (embedded)
        In the site's settings:
        CHANNEL_LAYERS = {"default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": ["redis://%[1]s"]}}}
`, server.Addr())
	return err
}

// startBroker starts a broker where the configuration names none.
func (s *servers) startBroker(out io.Writer, cfg *config.Config, log *slog.Logger) error {
	if cfg.Source("MQTT_HOST") != config.Default {
		_, err := fmt.Fprintf(out, "broker  %s\n", config.Shown(cfg.Broker.Servers[0]))
		return err
	}
	server, err := atOrNear(out, "broker", cfg.Broker.Servers[0].Port(), func(addr string) (*embedded.BrokerServer, error) {
		return embedded.Broker(addr, embedded.BrokerOptions{Logger: log})
	})
	if err != nil {
		return err
	}
	s.broker, s.closes = server, append(s.closes, server.Close)
	cfg.Broker.Servers = []*url.URL{{Scheme: "mqtt", Host: server.Addr()}}
	host, port, _ := net.SplitHostPort(server.Addr())
	_, err = fmt.Fprintf(out, `broker  %s (embedded)
        Publish something:
        mosquitto_pub -h %s -p %s -t hello -m world
`, server.Addr(), host, port)
	return err
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
