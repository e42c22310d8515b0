package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/runtime/config"
	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/runtime/mqtt"
	"chanmqttproxy/runtime/worker"
)

// checkTimeout bounds what Redis is asked.
const checkTimeout = 10 * time.Second

// checkConnections tries Redis and each broker, and says how each answers. Its
// error counts those that do not.
func checkConnections(ctx context.Context, out io.Writer, cfg *config.Config) error {
	bad := 0
	report := func(what, good string, err error, hint string) {
		if err == nil {
			fmt.Fprintf(out, "%-10s ok: %s\n", what, good)
			return
		}
		bad++
		fmt.Fprintf(out, "%-10s FAILED: %v\n           %s\n", what, err, hint)
	}
	client := layer.Open(worker.LayerConfig(cfg), slog.New(slog.DiscardHandler))
	defer client.Close()
	found, err := checkRedis(ctx, client, cfg.Layer.Prefix)
	report("redis", found, err, redisAdvice(cfg, err))
	for _, server := range cfg.Broker.Servers {
		found, err := checkBroker(ctx, cfg.Broker.Version, checkDialer(cfg, server))
		report("broker", found, err, hint(cfg, err))
	}
	if bad > 0 {
		return fmt.Errorf("%d of %d connections failed", bad, 1+len(cfg.Broker.Servers))
	}
	return nil
}

// checkDialer connects to one server as the worker does, but under another
// client id and with a clean session without a will, so that a running worker
// keeps its own and nobody takes it for dead.
func checkDialer(cfg *config.Config, server *url.URL) *mqtt.Dialer {
	id := checkID(cfg.Broker.ClientID)
	c := worker.DialerConfig(cfg, nil, slog.New(slog.DiscardHandler))
	c.Servers, c.SessionExpiry, c.Will = []*url.URL{server}, 0, nil
	c.ClientID = func(context.Context) (string, error) { return id, nil }
	return mqtt.NewDialer(c)
}

// checkBroker connects. A server that closes the connection or does not answer may know
// no version but 3.1.1: the dialer finds out at the second attempt.
func checkBroker(ctx context.Context, version messages.Version, dialer *mqtt.Dialer) (string, error) {
	conn, err := dial(ctx, version, dialer)
	if cause := causeOf(err); version != messages.MQTT311 && (cause == messages.ProtocolUnclear || cause == messages.Unanswered) {
		conn, err = dial(ctx, version, dialer)
	}
	if err != nil {
		return "", err
	}
	defer conn.Close()
	info := conn.Info()
	return fmt.Sprintf("%s speaks MQTT %s", info.Broker, info.Version), nil
}

// dial connects, with another version where the server wants one.
func dial(ctx context.Context, version messages.Version, dialer *mqtt.Dialer) (*mqtt.Conn, error) {
	conn, err := dialer.Dial(ctx, version, mqtt.Discard{})
	var lost *messages.ConnectionFailure
	if errors.As(err, &lost) && lost.Next != 0 {
		return dialer.Dial(ctx, version, mqtt.Discard{})
	}
	return conn, err
}

func causeOf(err error) messages.Cause {
	var lost *messages.ConnectionFailure
	if errors.As(err, &lost) {
		return lost.Cause
	}
	return messages.Network
}

// hint is what to do about a broker that does not let us in.
func hint(cfg *config.Config, err error) string {
	host, port := cfg.Where("MQTT_HOST"), cfg.Where("MQTT_PORT")
	switch mqtt.DetailOf(err) {
	case messages.NameNotFound:
		return "Is the name in " + host + " right, and can it be looked up on this machine?"
	case messages.UnknownAuthority:
		return "Is the certificate of the authority (CA) that signed the broker's in " + cfg.Where("MQTT_TLS_CA") + "?"
	case messages.OtherName:
		return "Is the name in " + host + " one that the broker's certificate is for?"
	case messages.OutOfDate:
		return "Has the broker's certificate expired, or is this machine's clock wrong?"
	case messages.BadCertificate:
		return "Is the broker's certificate one for TLS servers?"
	case messages.NotMQTT:
		return "Something other than a broker listens there, or a broker that wants TLS: are " + host + " and " + port + " right?"
	case messages.NoTLS, messages.HandshakeClosed:
		return "Is it the right port? A port for TLS needs mqtts:// in " + host + ", another needs mqtt://."
	case messages.ClientCertificate:
		return "Does the broker accept the certificate in " + cfg.Where("MQTT_TLS_CERT") + "?"
	case messages.WebSocketRefused:
		return "Is the path in " + host + " right? With many brokers it is /mqtt."
	}
	switch causeOf(err) {
	case messages.BadCredentials:
		return "Are " + cfg.Where("MQTT_USER") + " and " + cfg.Where("MQTT_PASSWORD") +
			" right, and " + cfg.Where("MQTT_TLS_CERT") + " where the broker wants a certificate?"
	case messages.ClientIDRefused:
		return "Give a client id that the broker accepts: " + cfg.Where("MQTT_CLIENT_ID") + "."
	case messages.ProtocolRefused, messages.ProtocolUnclear, messages.Unanswered:
		return "Is it the right port? A port for TLS needs mqtts:// in " + host + ", another needs mqtt://."
	case messages.Network:
		return "Is the broker running there, and are " + host + " and " + port + " right?"
	default:
		return "The broker's log should say more."
	}
}

// checkID is near the worker's client id, since a broker may take only such,
// but unlike that of anybody else.
func checkID(workers string) string {
	return cmp.Or(workers, "chanmqttproxy") + "-check-" + strings.ToLower(rand.Text()[:6])
}
