package main_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/runtime/embedded"
	"chanmqttproxy/test/kit"
)

// layered is the environment for a layer with one host of any form.
func layered(t *testing.T, host string) []string {
	t.Helper()
	broker, err := embedded.Broker("127.0.0.1:0", embedded.BrokerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	return []string{
		"MQTT_HOST=" + broker.Addr(),
		`CHANNEL_LAYERS={"default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [` + host + `]}}}`,
	}
}

// TestCheckReaches: real servers, in each of the ways in which one may be reached.
func TestCheckReaches(t *testing.T) {
	t.Parallel()
	cert, key := kit.Certificate(t)
	socket := filepath.Join(shortDir(t), "redis.sock")
	port := strconv.Itoa(kit.FreePort(t))
	server := kit.Redis(t, "--unixsocket", socket, "--tls-port", port,
		"--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", cert)
	sentinel, _ := kit.Sentinel(t, kit.Redis(t))
	withCert := fmt.Sprintf(`"ssl_ca_certs": %q, "ssl_certfile": %q, "ssl_keyfile": %q`, cert, cert, key)
	for name, host := range map[string]string{
		"url":      `"` + server.URL() + `/3"`,
		"socket":   `"unix://` + socket + `"`,
		"path":     `{"path": "` + socket + `"}`,
		"TLS":      `{"address": "rediss://127.0.0.1:` + port + `", ` + withCert + `}`,
		"any name": `{"host": "localhost", "port": ` + port + `, "ssl": true, "ssl_check_hostname": false, ` + withCert + `}`,
		"sentinel": `{"master_name": "` + kit.SentinelMaster + `", "sentinels": [["127.0.0.1", ` + portOf(sentinel.Addr()) + `]]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wants(t, execute(t, layered(t, host), "check", "--connect"), 0, []string{"redis      ok: ", "nobody of the site has joined one"}, nil)
		})
	}
}

// TestCheckAdvises: what is wrong with a Redis that answers, and what to do.
func TestCheckAdvises(t *testing.T) {
	t.Parallel()
	cert, key := kit.Certificate(t)
	tls := strconv.Itoa(kit.FreePort(t))
	server := kit.Redis(t, "--tls-port", tls, "--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", cert)
	client := server.Client()
	for _, rule := range [][]any{
		{"acl", "setuser", "site", "on", ">hunter2", "~*", "&*", "+@all"},
		{"acl", "setuser", "weak", "on", ">hunter2", "~*", "+ping", "+select", "+client", "+hello"},
	} {
		if err := client.Do(t.Context(), rule...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	client.Do(t.Context(), "zadd", "other:group:g", 1, "x")
	cluster := kit.Redis(t, "--cluster-enabled", "yes")
	ready := clusterOfOne(t)
	sentinel, _ := kit.Sentinel(t, kit.Redis(t))
	at := server.Addr()
	for name, c := range map[string]struct {
		host string
		code int
		want string
	}{
		"password":  {`"redis://site:wrong@` + at + `"`, 1, "Are user and password in CHANNEL_LAYERS (environment) right?"},
		"rights":    {`"redis://weak:hunter2@` + at + `"`, 1, "lists those that the worker needs"},
		"database":  {`"redis://` + at + `/77"`, 1, "It has no database of that number"},
		"cluster":   {`"` + cluster.URL() + `"`, 1, "part of a Redis Cluster, which channels_redis cannot use"},
		"a node":    {`"` + ready + `"`, 1, "Give a Redis that is no cluster"},
		"old":       {`"redis://` + kit.Redis4(t) + `"`, 1, "Give Redis 5 or newer"},
		"authority": {`"rediss://127.0.0.1:` + tls + `"`, 1, "in ssl_ca_certs of CHANNEL_LAYERS"},
		"prefix":    {`"redis://site:hunter2@` + at + `"`, 0, `Nobody has joined a group under the prefix "asgi", but under "other"`},
		"master":    {`{"master_name": "m", "sentinels": [["127.0.0.1", ` + portOf(sentinel.Addr()) + `]]}`, 1, "Is master_name in CHANNEL_LAYERS"},
		"sentinels": {`{"master_name": "m", "sentinels": [["127.0.0.1", 1]]}`, 1, "Are the Sentinels running"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wants(t, execute(t, layered(t, c.host), "check", "--connect"), c.code, []string{c.want}, nil)
		})
	}
}

// clusterOfOne is a Redis Cluster that has all slots on one server.
func clusterOfOne(t *testing.T) (url string) {
	t.Helper()
	server := kit.Redis(t, "--cluster-enabled", "yes")
	client := server.Client()
	if err := client.Do(t.Context(), "cluster", "addslotsrange", 0, 16383).Err(); err != nil {
		t.Fatal(err)
	}
	kit.Eventually(t, 20*time.Second, "the cluster is up", func() bool {
		info, _ := client.ClusterInfo(t.Context()).Result()
		return strings.Contains(info, "cluster_state:ok")
	})
	return server.URL()
}

// TestStartExplains: a worker that cannot use its Redis, or read what is in it,
// says in its log what is wrong.
func TestStartExplains(t *testing.T) {
	t.Parallel()
	server := kit.Redis(t)
	client := server.Client()
	client.Do(t.Context(), "acl", "setuser", "site", "on", ">hunter2", "~*", "&*", "+@all")
	client.ZAdd(t.Context(), "asgimqtt", redis.Z{Score: float64(time.Now().Unix()), Member: strings.Repeat("p", 12) + "\x81\xa4type\xa4mqtt"})
	for name, c := range map[string]struct{ config, want string }{
		"old":      {`"hosts": ["redis://` + kit.Redis4(t) + `"]`, "it is older than 5"},
		"cluster":  {`"hosts": ["` + clusterOfOne(t) + `"]`, "a channel layer needs a Redis that is none"},
		"password": {`"hosts": ["redis://site:wrong@` + server.Addr() + `"]`, "WRONGPASS"},
		"key":      {`"hosts": ["` + server.URL() + `"], "symmetric_encryption_keys": ["k"]`, "does the sender have the same keys"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			environ := append(layered(t, ""), `CHANNEL_LAYERS={"default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {`+c.config+`}}}`)
			worker := launch(t, environ, "run")
			worker.waitFor(c.want)
			if strings.Contains(worker.written(), `"doing":"hello`) {
				t.Error("it logs that there is no HELLO, which Redis 5 does not have either")
			}
		})
	}
}

// shortDir is a directory whose name is short enough for a socket in it.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "redis")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func portOf(addr string) string {
	_, port, _ := net.SplitHostPort(addr)
	return port
}
