// Package embedded runs a Redis and an MQTT broker inside the process, for
// trying things out and for tests. Real clients can use both. They hold
// everything in memory, ask for no password and therefore listen on loopback
// only. Neither is fit for production.
package embedded

import (
	"fmt"
	"net"
	"net/netip"
)

// Loopback refuses an address that others than this machine could reach.
func Loopback(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("%q is not host:port: %w", addr, err)
	}
	if ip, err := netip.ParseAddr(host); host == "localhost" || err == nil && ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("%q is not on loopback: embedded servers ask for no password", addr)
}
