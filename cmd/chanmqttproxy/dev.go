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
		Short: "Try the worker with a Redis and an MQTT broker inside this program",
		Long: `Run the worker with a Redis and an MQTT broker inside this program, simulated
devices, and a page that shows the messages. You need nothing else. Only programs on
this machine can reach the two servers, which keep everything in memory.

If REDIS_URL or CHANNEL_LAYERS is set, the worker uses that Redis, and if MQTT_HOST is
set, that broker. With --serve, the servers inside this program listen at these
addresses, if they are on this machine and nothing answers there yet. Then there are
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
	c.Flags().BoolVar(&noDemo, "no-demo", false, "without simulated devices")
	c.Flags().BoolVar(&serve, "serve", false, "the servers inside the program listen at the addresses in the settings")
	return c
}

// dev runs the worker; a demo is there only with both servers embedded, so that
// it disturbs nobody.
func dev(c *cobra.Command, cfg *config.Config, stderr *logs.Queue, withDemo, serve bool) error {
	out := c.OutOrStdout()
	withDemo = withDemo && !serve && !ownRedis(cfg) && !ownBroker(cfg)
	if _, err := fmt.Fprintln(out, opening(cfg, withDemo, serve)); err != nil {
		return err
	}
	log, control, flush := startLog(cfg, stderr)
	defer flush()
	var own servers
	defer own.close()
	if err := own.start(out, cfg, log, serve); err != nil {
		return err
	}
	w := newWorker(cfg, log, stderr)
	defer reloading(c, w, log, control)()
	w.Development = own.development()
	w.Development.More = map[string]http.Handler{"/chat/": newChat(cfg)}
	page, err := devListen(out, cfg, w)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(out, hints(&own, page, withDemo, serve)); err != nil {
		return err
	}
	if withDemo {
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

// devListen opens the listener for the page, health and metrics, and returns the address of
// the page; empty: it is not served.
func devListen(out io.Writer, cfg *config.Config, w *worker.Worker) (page string, err error) {
	var address net.Addr
	switch {
	case cfg.Source("HTTP_LISTEN") == config.Default:
		address, err = atOrNear(out, "page", "8083", w.Listen)
	case cfg.HTTP.Listen != "":
		address, err = w.Listen(cfg.HTTP.Listen)
	}
	if err != nil || address == nil || cfg.HTTP.Token != "" || embedded.Loopback(address.String()) != nil {
		return "", err
	}
	return fmt.Sprintf("http://%s/", address), nil
}

// ownRedis and ownBroker say whether the configuration names one.
func ownRedis(cfg *config.Config) bool {
	return cfg.Source("REDIS_URL") != config.Default || cfg.Source("CHANNEL_LAYERS") != config.Default
}

func ownBroker(cfg *config.Config) bool { return cfg.Source("MQTT_HOST") != config.Default }

// startRedis starts a Redis where the configuration names none.
func (s *servers) startRedis(out io.Writer, cfg *config.Config) (err error) {
	if ownRedis(cfg) {
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
	_, err = fmt.Fprintf(out, "redis   %s (inside this program)\n", server.Addr())
	return err
}

// startBroker starts a broker where the configuration names none.
func (s *servers) startBroker(out io.Writer, cfg *config.Config, log *slog.Logger) error {
	if ownBroker(cfg) {
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
	_, err = fmt.Fprintf(out, "broker  %s (inside this program)\n", server.Addr())
	return err
}

// atOrNear starts a server on the port of loopback, or on a free one where it
// is taken.
func atOrNear[S any](out io.Writer, what, port string, start func(addr string) (S, error)) (S, error) {
	server, err := start(net.JoinHostPort("127.0.0.1", port))
	if !errors.Is(err, syscall.EADDRINUSE) {
		return server, err
	}
	if _, err := fmt.Fprintf(out, "%-7s port %s is used by another program: taking a free one\n", what, port); err != nil {
		return server, err
	}
	return start("127.0.0.1:0")
}
