package config_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"chanmqttproxy/runtime/config"
)

// TestHosts: each form that channels_redis takes, and what it comes to.
func TestHosts(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]string{
		`"redis://a"`:                           "tcp a:6379 0",
		`"redis://a:1/"`:                        "tcp a:1 0",
		`"redis://"`:                            "tcp localhost:6379 0",
		`"redis://u:p%40@a:1/2"`:                "tcp a:1 2 user u password p@",
		`"redis://a/2?db=3"`:                    "tcp a:6379 3",
		`"redis://a?password=p&username=u"`:     "tcp a:6379 0 user u password p",
		`"rediss://[::1]:1"`:                    "tcp [::1]:1 0 TLS",
		`"rediss://a?ssl_cert_reqs=none"`:       "tcp a:6379 0 TLS anybody",
		`"rediss://a?ssl_check_hostname=False"`: "tcp a:6379 0 TLS any name",
		`"unix:///run/a.sock?db=1"`:             "unix /run/a.sock 1",
		`"unix://:p@/run/a.sock"`:               "unix /run/a.sock 0 password p",
		`["a", 1]`:                              "tcp a:1 0",
		`["a", "1"]`:                            "tcp a:1 0",
		`{"address": "redis://a", "db": 1}`:     "tcp a:6379 1",
		`{"address": "redis://a/2", "db": 1}`:   "tcp a:6379 2",
		`{"address": "redis://", "host": "b"}`:  "tcp b:6379 0",
		`{}`:                                    "tcp localhost:6379 0",
		`{"host": "a", "port": 1, "db": null}`:  "tcp a:1 0",
		`{"path": "/a", "password": "p"}`:       "unix /a 0 password p",
		`{"unix_socket_path": "/a", "db": "4"}`: "unix /a 4",
		`{"host": "a", "ssl": true}`:            "tcp a:6379 0 TLS",
		`{"host": "a", "retry_on_timeout": true, "socket_keepalive": true, "retry": null}`:                                "tcp a:6379 0",
		`{"host": "a", "ssl": true, "ssl_cert_reqs": null}`:                                                               "tcp a:6379 0 TLS anybody",
		`{"host": "a", "ssl": true, "ssl_cert_reqs": "optional", "ssl_min_version": 772}`:                                 "tcp a:6379 0 TLS 1.3",
		`{"host": "a", "socket_timeout": 1.5, "socket_connect_timeout": 2}`:                                               "tcp a:6379 0 answers in 1.5s connects in 2s",
		`{"sentinels": [["s", 1], ["t", 2]], "master_name": "m"}`:                                                         "tcp  0 master m at s:1 at t:2",
		`{"sentinels": [["s", 1]], "master_name": "m", "db": 3, "password": "p", "ssl": true}`:                            "tcp  3 password p TLS master m at s:1",
		`{"sentinels": [["s", 1]], "master_name": "m", "sentinel_kwargs": {"password": "q", "ssl": true}}`:                "tcp  0 master m at s:1 password q TLS",
		`{"sentinels": [["s", 1]], "master_name": "m", "sentinel_kwargs": null}`:                                          "tcp  0 master m at s:1",
		`{"address": "redis://a", "socket_connect_timeout": 2, "socket_timeout": "3", "client_name": "n", "protocol": 3}`: "tcp a:6379 0 named n answers in 3s connects in 2s",
	} {
		l := must(t, []string{"CHANNEL_LAYERS=" + layers(`{"hosts": ["redis://first", `+host+`]}`)}).Layer
		if len(l.Hosts) != 2 || told(l.Hosts[1]) != want {
			t.Errorf("%s: %s, want %s", host, told(l.Hosts[len(l.Hosts)-1]), want)
		}
	}
}

// told is a host in words.
func told(h config.Host) string {
	o := h.Redis
	text := fmt.Sprintf("%s %s %d", o.Network, o.Addr, o.DB)
	add := func(given bool, format string, args ...any) {
		if given {
			text += fmt.Sprintf(" "+format, args...)
		}
	}
	add(o.Username != "", "user %s", o.Username)
	add(o.Password != "", "password %s", o.Password)
	if c := o.TLSConfig; c != nil {
		text += " TLS"
		add(c.MinVersion == 0x304, "1.3")
		add(c.InsecureSkipVerify && c.VerifyConnection == nil, "anybody")
		add(c.InsecureSkipVerify && c.VerifyConnection != nil, "any name")
	}
	add(o.ClientName != "", "named %s", o.ClientName)
	add(o.ReadTimeout != 0, "answers in %v", o.ReadTimeout)
	add(o.DialTimeout != 0, "connects in %v", o.DialTimeout.Round(time.Millisecond))
	add(h.Master != "", "master %s", h.Master)
	for _, s := range h.Sentinels {
		add(true, "at %s", s.Addr)
		add(s.Password != "", "password %s", s.Password)
		add(s.TLSConfig != nil, "TLS")
	}
	return text
}

func TestBadHosts(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]string{
		`null`:                            "hosts[0]: not a host",
		`""`:                              "hosts[0]: address: not the URL of a Redis server",
		`"a:6379"`:                        "hosts[0]: address: not the URL of a Redis server",
		`"redis://a:0"`:                   "hosts[0]: address: the port: not a whole number",
		`"redis://a/x"`:                   "hosts[0]: address: the database after redis:// is not a number",
		`"redis://a?timeuot=1"`:           "hosts[0]: address: option …: no such key",
		`"redis://a?db=x"`:                "hosts[0]: address: option db: not a whole number",
		`"redis://a?ssl_cert_reqs=none"`:  "hosts[0]: ssl_… is set, but the server is not reached by TLS",
		`"unix://run/a.sock"`:             "hosts[0]: address: a Unix socket needs three slashes",
		`["a", 0]`:                        "hosts[0].port: not a whole number",
		`["", 1]`:                         "hosts[0].host: not text",
		`{"adress": "redis://a"}`:         "hosts[0].adress: no such key; did you mean address?",
		`{"address": 1}`:                  "hosts[0]: address: not the URL",
		`{"host": "a", "db": 1.5}`:        "hosts[0].db: not a whole number",
		`{"host": 7}`:                     "hosts[0].host: not text",
		`{"ssl": "maybe"}`:                "hosts[0].ssl: neither true nor false",
		`{"socket_timeout": 0}`:           "hosts[0].socket_timeout: not a number of seconds",
		`{"credential_provider": "mine"}`: "hosts[0].credential_provider: the worker can't do this: give username and password",
		`{"sentinels": [["a", 1]]}`:       `hosts[0].sentinels: the worker can't do this: give "master_name" too`,
		`{"path": "/a", "ssl": true}`:     "hosts[0]: a Unix socket has no TLS",

		`{"ssl": true, "ssl_cert_reqs": "often"}`:      "hosts[0].ssl_cert_reqs: give none, optional or required",
		`{"ssl": true, "ssl_min_version": 1}`:          "hosts[0].ssl_min_version: not a version: give 771",
		`{"ssl": true, "ssl_ca_certs": "/nowhere"}`:    "hosts[0]: ssl_ca_certs: reading the authorities",
		`{"ssl": true, "ssl_ca_data": "x"}`:            "hosts[0]: ssl_ca_data holds no certificate",
		`{"ssl": true, "ssl_certfile": "/nowhere"}`:    "hosts[0]: ssl_certfile: reading the certificate",
		`{"ssl": true, "ssl_keyfile": "/nowhere"}`:     "hosts[0]: ssl_keyfile needs its certificate",
		`{"ssl": true, "ssl_password": "hunter2"}`:     "hosts[0].ssl_password: the worker can't do this",
		`{"address": "redis://a", "master_name": "m"}`: "hosts[0].master_name: the worker can't do this: it does not go with an address",

		`{"master_name": "m"}`:                                                            `hosts[0]: Sentinels need "master_name"`,
		`{"master_name": "m", "sentinels": []}`:                                           `hosts[0]: Sentinels need "master_name"`,
		`{"master_name": "m", "sentinels": [["a", 1], ["b"]]}`:                            "hosts[0].sentinels[1]: not [host, port]",
		`{"master_name": "m", "sentinels": [["a", 1]], "host": "b"}`:                      "hosts[0].host: it does not go with master_name",
		`{"master_name": "m", "sentinels": [["a", 1]], "sentinel_kwargs": {"pasword":1}}`: "hosts[0].sentinel_kwargs.pasword: no such key; did you mean password?",
	} {
		_, err := load(t, []string{"CHANNEL_LAYERS=" + layers(`{"hosts": [`+host+`]}`)})
		if err == nil || !strings.Contains(err.Error(), "CHANNEL_LAYERS (environment): default.CONFIG."+want) {
			t.Errorf("%s: want %q, got %v", host, want, err)
		}
	}
}
