package layer_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"testing"

	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/test/kit"
)

// interopServers are those that all layers of a version share. The first speaks
// TLS too, and has users with few rights.
type interopServers struct {
	all       []*kit.RedisServer
	tls       string
	cert, key string
}

func newInteropServers(t *testing.T) *interopServers {
	s := &interopServers{tls: fmt.Sprint(kit.FreePort(t))}
	s.cert, s.key = kit.Certificate(t)
	s.all = []*kit.RedisServer{
		kit.Redis(t, "--tls-port", s.tls, "--tls-cert-file", s.cert, "--tls-key-file", s.key, "--tls-ca-cert-file", s.cert),
		kit.Redis(t), kit.Redis(t),
	}
	admin := s.all[0].Client()
	for user, rights := range map[string][]any{"worker": slices.Concat(minimalRights, pubsubRights), "site": siteRights} {
		rule := append([]any{"acl", "setuser", user, "reset", "on", ">secret"}, rights...)
		if err := admin.Do(t.Context(), rule...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// siteRights are those without which channels_redis does not work.
var siteRights = []any{
	"~asgi*", "&asgi*", "&mqtt*", "+eval", "+multi", "+exec", "+zadd", "+zrem", "+zrange", "+zcount", "+zremrangebyscore",
	"+zpopmin", "+bzpopmin", "+del", "+expire", "+publish", "+subscribe", "+unsubscribe",
}

func (s *interopServers) hosts(t *testing.T, f interopForm) []layer.Host {
	var hosts []layer.Host
	for _, server := range s.all[:f.hosts] {
		hosts = append(hosts, layer.Host{Redis: kit.RedisOptions(server.Addr())})
	}
	first := hosts[0].Redis
	switch f.via {
	case "tls":
		first.Addr, first.TLSConfig = "127.0.0.1:"+s.tls, clientTLS(t, s.cert, s.key)
	case "acl":
		first.Username, first.Password = "worker", "secret"
	}
	return hosts
}

func (s *interopServers) urls(f interopForm) []string {
	var urls []string
	for _, server := range s.all[:f.hosts] {
		urls = append(urls, server.URL())
	}
	switch f.via {
	case "tls":
		urls[0] = fmt.Sprintf("rediss://127.0.0.1:%s?ssl_ca_certs=%s&ssl_certfile=%s&ssl_keyfile=%s", s.tls, s.cert, s.cert, s.key)
	case "acl":
		urls[0] = strings.Replace(urls[0], "redis://", "redis://site:secret@", 1)
	}
	return urls
}

// clientTLS trusts one certificate, and shows it.
func clientTLS(t *testing.T, cert, key string) *tls.Config {
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(pair.Leaf)
	return &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: roots}
}
