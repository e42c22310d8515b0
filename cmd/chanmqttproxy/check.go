package main

import (
	"cmp"
	"fmt"
	"io"
	"log/slog"

	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"

	"chanmqttproxy/runtime/config"
	"chanmqttproxy/runtime/layer"
)

func checkCommand() *cobra.Command {
	connect := false
	c := configured(&cobra.Command{
		Use:   "check",
		Short: "Check the settings, and whether Redis and the broker answer",
		Long: `Check the settings, and show which Redis and broker the worker would use. With
--connect, also connect to both, and show what is wrong. This does not disturb a
running worker.`,
		Example: `  chanmqttproxy check
  chanmqttproxy check --connect --config /etc/chanmqttproxy.yaml`,
	}, func(c *cobra.Command, cfg *config.Config) error {
		out := c.OutOrStdout()
		if err := plan(out, cfg); err != nil || !connect {
			return err
		}
		redis.SetLogger(redisLog{slog.New(slog.DiscardHandler)})
		return checkConnections(c.Context(), out, cfg)
	})
	c.Flags().BoolVar(&connect, "connect", false, "connect to Redis and to each broker")
	return c
}

// plan says what the worker would connect to, without any secret.
func plan(out io.Writer, cfg *config.Config) error {
	b, l := cfg.Broker, cfg.Layer
	for _, server := range b.Servers {
		fmt.Fprintf(out, "broker     %s, from %s\n", config.Shown(server), cfg.Where("MQTT_HOST"))
	}
	fmt.Fprintf(out, "user       %s\n", cmp.Or(b.User, "none"))
	fmt.Fprintf(out, "client id  %s\n", clientIDSource(cfg))
	for _, host := range l.Hosts {
		fmt.Fprintf(out, "redis      %s, from %s\n", redisAddress(host), cfg.Where(redisSetting(cfg)))
	}
	fmt.Fprintf(out, "layer      %s\n", layerPlan(l))
	_, err := fmt.Fprintf(out, "channel    %s\n", cfg.Channel)
	if cfg.Tracing != config.TracingOff {
		fmt.Fprintf(out, "traces     %s, from OTEL_… (environment)\n", cfg.Tracing)
	}
	for _, w := range cfg.Warnings {
		fmt.Fprintf(out, "warning    %v\n", w)
	}
	for _, name := range cfg.Ignored {
		fmt.Fprintf(out, "ignored    %s is not a setting of this program\n", name)
	}
	return err
}

func clientIDSource(cfg *config.Config) string {
	if cfg.Broker.ClientID != "" {
		return cfg.Broker.ClientID + ", from " + cfg.Where("MQTT_CLIENT_ID")
	}
	return "random, kept in Redis"
}

// redisSetting is the one of the two settings that counts.
func redisSetting(cfg *config.Config) string {
	if cfg.UsesChannelLayers() {
		return "CHANNEL_LAYERS"
	}
	return "REDIS_URL"
}

// redisAddress says where a host is, and in which way it is reached.
func redisAddress(h config.Host) string {
	address := fmt.Sprintf("%s, database %d", layer.Host(h).Name(), h.Redis.DB)
	if h.Redis.TLSConfig != nil {
		address += ", TLS"
	}
	return address
}

// layerPlan says what kind of layer it is, with no key of it.
func layerPlan(l config.Layer) string {
	plan := fmt.Sprintf("prefix %q, %s", l.Prefix, l.Serializer)
	if len(l.EncryptionKeys) > 0 {
		plan += ", encrypted"
	}
	if l.PubSub {
		return "pub/sub, " + plan
	}
	plan += fmt.Sprintf(", expiry %v, group expiry %v, capacity %d", l.Expiry, l.GroupExpiry, l.Capacity)
	for _, c := range l.Capacities {
		plan += fmt.Sprintf(", %d for %q", c.Capacity, c.Pattern)
	}
	return plan
}
