package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// ports are those of each scheme by default.
var ports = map[string]int{"mqtt": 1883, "mqtts": 8883, "ws": 80, "wss": 443}

// parseServers reads a comma list of brokers. A port of 0 means that of the
// scheme; secure asks for TLS where an entry has no scheme.
func parseServers(hosts string, port int, secure bool) ([]*url.URL, error) {
	var servers []*url.URL
	var errs []error
	for entry := range strings.SplitSeq(hosts, ",") {
		server, err := parseServer(strings.TrimSpace(entry), port, secure)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		servers = append(servers, server)
	}
	return servers, errors.Join(errs...)
}

// shown is an entry without what may be secret: a query, or the part of one behind a comma.
func shown(entry string) string {
	if i := strings.IndexAny(entry, "?#=&"); i >= 0 {
		return entry[:i+1] + "…"
	}
	return entry
}

// Shown is the URL of a broker without what may be secret.
func Shown(u *url.URL) string { return shown(u.String()) }

// withoutQueries is a comma list of brokers as it may be shown.
func withoutQueries(hosts string) string {
	entries := strings.Split(hosts, ",")
	for i, entry := range entries {
		entries[i] = shown(entry)
	}
	return strings.Join(entries, ",")
}

// clearText says that the list goes from TLS to connections without it: whoever keeps the
// worker from one server sees what it says to another.
func clearText(servers []*url.URL) error {
	var secure, others []string
	for _, u := range servers {
		if u.Scheme == "mqtts" || u.Scheme == "wss" {
			secure = append(secure, u.Host)
		} else {
			others = append(others, u.Scheme+"://"+u.Host)
		}
	}
	if len(secure) == 0 || len(others) == 0 {
		return nil
	}
	return fmt.Errorf("%s with TLS, but %s without: when the first is unreachable, password and messages go to the second in clear text", strings.Join(secure, ", "), strings.Join(others, ", "))
}

func parseServer(entry string, port int, secure bool) (*url.URL, error) {
	if entry == "" {
		return nil, errors.New("a broker is missing: give host, host:port or a URL")
	}
	if strings.Contains(entry, "@") {
		return nil, errors.New("user and password do not belong here: give MQTT_USER and MQTT_PASSWORD")
	}
	u, err := url.Parse(withScheme(entry, secure))
	if err != nil {
		return nil, fmt.Errorf("%q is not host, host:port or a URL", shown(entry))
	}
	if ports[u.Scheme] == 0 {
		return nil, fmt.Errorf("%q has an unknown scheme: give mqtt, mqtts, ws or wss", shown(entry))
	}
	if err := checkServer(u, entry); err != nil {
		return nil, err
	}
	return address(u, entry, port)
}

// withScheme makes a URL of a bare host.
func withScheme(entry string, secure bool) string {
	if strings.Contains(entry, "://") {
		return entry
	}
	if ip, err := netip.ParseAddr(entry); err == nil && ip.Is6() {
		entry = "[" + strings.Replace(entry, "%", "%25", 1) + "]"
	}
	if secure {
		return "mqtts://" + entry
	}
	return "mqtt://" + entry
}

var hostName = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)

func checkServer(u *url.URL, entry string) error {
	if !isHost(u.Hostname()) {
		return fmt.Errorf("%q has no valid host: give a name in ASCII or an address", shown(entry))
	}
	web := u.Scheme == "ws" || u.Scheme == "wss"
	if !web && (strings.Trim(u.Path, "/") != "" || u.RawQuery != "") || u.Fragment != "" {
		return fmt.Errorf("%q has more than host and port; only ws and wss have a path", shown(entry))
	}
	return nil
}

// isHost reports whether a name or an IP address, maybe with a zone, could be
// a host's. A URL writes no other byte of a zone as it reads it.
func isHost(host string) bool {
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return hostName.MatchString(host)
	}
	return ip.Zone() == "" || hostName.MatchString(ip.Zone())
}

// address is the URL in its plain form, with a port.
func address(u *url.URL, entry string, port int) (*url.URL, error) {
	switch {
	case u.Port() != "":
		var err error
		if port, err = parseNumber(u.Port(), 1, 65535); err != nil {
			return nil, fmt.Errorf("the port in %q: %w", shown(entry), err)
		}
	case port == 0:
		port = ports[u.Scheme]
	}
	plain := &url.URL{Scheme: u.Scheme, Host: net.JoinHostPort(u.Hostname(), strconv.Itoa(port))}
	if u.Scheme == "ws" || u.Scheme == "wss" {
		plain.Path, plain.RawPath, plain.RawQuery = u.Path, u.RawPath, u.RawQuery
	}
	return plain, nil
}
