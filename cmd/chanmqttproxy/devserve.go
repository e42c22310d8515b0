package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"time"

	"chanmqttproxy/runtime/config"
	"chanmqttproxy/runtime/embedded"
	"chanmqttproxy/runtime/layer"
)

// With --serve the embedded servers listen where the configuration says that Redis and
// the broker are, so that a site's settings need no change. A server that is there
// already is used. Both must be on this machine: dev is no way into another one's data.

// errNotHere is the reason why an address is neither served nor used.
var errNotHere = errors.New("it is not on this machine, and dev --serve is for loopback addresses: name localhost in the settings that you develop with")

// serve starts the servers that are not there yet.
func (s *servers) serve(out io.Writer, cfg *config.Config, log *slog.Logger) error {
	var faults []error
	for _, host := range cfg.Layer.Hosts {
		faults = append(faults, notServable("Redis at "+layer.Host(host).Name(), cfg.Where(redisSetting(cfg)), redisFault(host)))
	}
	for _, server := range cfg.Broker.Servers {
		faults = append(faults, notServable("the broker at "+config.Shown(server), cfg.Where("MQTT_HOST"), brokerFault(server)))
	}
	if err := errors.Join(faults...); err != nil {
		return usageError{err}
	}
	for _, host := range cfg.Layer.Hosts {
		if err := s.serveRedis(out, host); err != nil {
			return err
		}
	}
	for _, server := range cfg.Broker.Servers {
		if err := s.serveBroker(out, server, log); err != nil {
			return err
		}
	}
	return nil
}

func notServable(what, where string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("serving %s, from %s: %w", what, where, err)
}

// redisFault says why a Redis can't be served here, nor used.
func redisFault(host config.Host) error {
	switch {
	case len(host.Sentinels) > 0:
		return errors.New("dev has no Sentinels: name one Redis on localhost in the settings that you develop with")
	case host.Redis.Network == "unix":
		return errors.New("dev listens on no Unix socket: name redis://localhost in the settings that you develop with")
	case host.Redis.TLSConfig != nil:
		return errors.New("dev has no TLS: name redis://localhost in the settings that you develop with")
	}
	return onLoopback(host.Redis.Addr)
}

// brokerFault says why a broker can't be served here, nor used.
func brokerFault(server *url.URL) error {
	if server.Scheme != "mqtt" {
		return fmt.Errorf("dev speaks plain MQTT, not %s: name mqtt://localhost in the settings that you develop with", server.Scheme)
	}
	return onLoopback(server.Host)
}

func onLoopback(address string) error {
	if embedded.Loopback(address) != nil {
		return errNotHere
	}
	return nil
}

// serveRedis starts a Redis at the address of one host, with its user and password.
func (s *servers) serveRedis(out io.Writer, host config.Host) error {
	address := host.Redis.Addr
	if answers(address) {
		return alreadyThere(out, "redis", address)
	}
	server, err := embedded.Redis(onIPv4(address))
	if err != nil {
		return err
	}
	server.Require(host.Redis.Username, host.Redis.Password)
	s.closes = append(s.closes, server.Close)
	if s.redis == nil {
		s.redis = server
	}
	_, err = fmt.Fprintf(out, "redis   %s (inside this program)\n", server.Addr())
	return err
}

// serveBroker starts a broker at the address of one server.
func (s *servers) serveBroker(out io.Writer, at *url.URL, log *slog.Logger) error {
	if answers(at.Host) {
		return alreadyThere(out, "broker", at.Host)
	}
	server, err := embedded.Broker(onIPv4(at.Host), embedded.BrokerOptions{Logger: log})
	if err != nil {
		return err
	}
	s.closes = append(s.closes, server.Close)
	if s.broker == nil {
		s.broker = server
	}
	_, err = fmt.Fprintf(out, "broker  %s (inside this program)\n", server.Addr())
	return err
}

func alreadyThere(out io.Writer, what, address string) error {
	_, err := fmt.Fprintf(out, "%-7s %s (runs already)\n", what, address)
	return err
}

// onIPv4 is where a server listens that clients call localhost: those that try ::1
// first go on with 127.0.0.1.
func onIPv4(address string) string {
	if port, ok := strings.CutPrefix(address, "localhost:"); ok {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return address
}

// answers says whether somebody listens at an address of this machine.
func answers(address string) bool {
	conn, err := net.DialTimeout("tcp", address, 2*time.Second)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}
