package config

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"chanmqttproxy/messages/topic"
)

// setListen reads host:port, or "off". An empty host means every address of the
// machine, as Go has it.
func setListen(d *draft, s string) error {
	if strings.EqualFold(s, "off") {
		return nil
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil || host != "" && !isHost(host) {
		return fmt.Errorf("%q is not host:port: give 127.0.0.1:8083, or :8083 for all addresses, or off", s)
	}
	if _, err := parseNumber(port, 0, 65535); err != nil {
		return fmt.Errorf("the port in %q: %w", s, err)
	}
	d.HTTP.Listen = s
	return nil
}

// minToken is the shortest token that is taken.
const minToken = 16

func setToken(d *draft, s string) error {
	if len(s) < minToken {
		return fmt.Errorf("a token of %d characters is easily guessed: give at least %d, for example from: openssl rand -hex 16", len(s), minToken)
	}
	d.HTTP.Token = s
	return nil
}

// maxCount bounds the filters of METRICS_FILTERS: each is a label, and is compared
// with every message.
const maxCount = 100

func setCount(d *draft, s string) error {
	for filter := range strings.SplitSeq(s, ",") {
		filter = strings.TrimSpace(filter)
		if err := topic.ValidateFilter(filter); err != nil {
			return err
		}
		if !slices.Contains(d.HTTP.Count, filter) {
			d.HTTP.Count = append(d.HTTP.Count, filter)
		}
	}
	if len(d.HTTP.Count) > maxCount {
		return fmt.Errorf("%d filters are too many: give at most %d", len(d.HTTP.Count), maxCount)
	}
	return nil
}

// isLoopback tells whether only this machine reaches a host:port.
func isLoopback(listen string) bool {
	host, _, _ := net.SplitHostPort(listen)
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
