package config

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
)

// connection gathers redis-py's connection arguments.
type connection struct {
	host, path string
	port       int
	db         int
	user       string
	password   string
	client     string
	connect    time.Duration
	answer     time.Duration
	tls        redisTLS
	address    argument
}

// argument is the value of one: JSON as in a dict, or a JSON string as in the
// query of a URL, where redis-py takes numbers and truth values in text too.
type argument json.RawMessage

func newConnection() *connection {
	return &connection{host: "localhost", port: 6379, tls: redisTLS{verify: "required", names: true}}
}

// arguments are those of redis-py's Connection, SSLConnection,
// UnixDomainSocketConnection and Redis that mean something here.
var arguments = map[string]func(c *connection, v argument) error{
	"address":  func(c *connection, v argument) error { c.address = v; return nil },
	"host":     func(c *connection, v argument) error { return v.name(&c.host) },
	"port":     func(c *connection, v argument) error { return v.number(&c.port, 1, math.MaxUint16) },
	"path":     func(c *connection, v argument) error { return v.name(&c.path) },
	"db":       func(c *connection, v argument) error { return v.number(&c.db, 0, math.MaxInt32) },
	"username": func(c *connection, v argument) error { return v.text(&c.user) },
	"password": func(c *connection, v argument) error { return v.text(&c.password) },

	"unix_socket_path":       func(c *connection, v argument) error { return v.name(&c.path) },
	"client_name":            func(c *connection, v argument) error { return v.text(&c.client) },
	"socket_timeout":         func(c *connection, v argument) error { return v.seconds(&c.answer) },
	"socket_connect_timeout": func(c *connection, v argument) error { return v.seconds(&c.connect) },

	"ssl":                func(c *connection, v argument) error { return v.truth(&c.tls.on) },
	"ssl_cert_reqs":      func(c *connection, v argument) error { return c.tls.setVerify(v) },
	"ssl_check_hostname": func(c *connection, v argument) error { c.tls.given = true; return v.truth(&c.tls.names) },
	"ssl_ca_certs":       func(c *connection, v argument) error { c.tls.given = true; return v.text(&c.tls.files.ca) },
	"ssl_ca_data":        func(c *connection, v argument) error { c.tls.given = true; return v.text(&c.tls.authorities) },
	"ssl_certfile":       func(c *connection, v argument) error { c.tls.given = true; return v.text(&c.tls.files.cert) },
	"ssl_keyfile":        func(c *connection, v argument) error { c.tls.given = true; return v.text(&c.tls.files.key) },
	"ssl_min_version":    func(c *connection, v argument) error { c.tls.given = true; return c.tls.setLeast(v) },
}

// inward are arguments that change how redis-py works inside and nothing that
// others see.
var inward = map[string]bool{
	"socket_keepalive": true, "socket_keepalive_options": true, "socket_type": true, "socket_read_size": true,
	"retry_on_timeout": true, "retry_on_error": true, "max_connections": true, "health_check_interval": true,
	"encoding": true, "encoding_errors": true, "decode_responses": true, "protocol": true, "legacy_responses": true,
	"lib_name": true, "lib_version": true, "single_connection_client": true, "timeout": true,
	"check_connection": true, "auto_close_connection_pool": true,
}

// beyond are arguments of which the worker can't do what they say, with what to do instead.
var beyond = map[string]string{
	"connection_class":    `give "ssl": true, or "path" for a Unix socket`,
	"credential_provider": "give username and password",
	"ssl_ca_path":         "give ssl_ca_certs, one PEM file",
	"ssl_password":        "give a key without a password, in a file that only the worker can read",
	"ssl_ciphers":         "leave it out, or ask for a version by ssl_min_version",
	"ssl_validate_ocsp":   "leave it out",
	"is_master":           "leave it out: a channel layer needs the master",
	"redis_connect_func":  "leave it out",
	"parser_class":        "leave it out",
	"encoder_class":       "leave it out",
	"retry":               "leave it out",
	"sentinels":           `give "master_name" too, and no address`,
	"sentinel_kwargs":     `give "master_name" too, and no address`,
	"master_name":         "it does not go with an address",
}

// set takes one argument. null stands for an argument that is not given, except
// where it means something to redis-py.
func (c *connection) set(key string, v argument) error {
	read, known := arguments[key]
	switch {
	case known && v.null() && key != "ssl_cert_reqs":
		return nil
	case known:
		return read(c, v)
	case inward[key], v.null():
		return nil
	case beyond[key] != "":
		return errors.New("the worker can't do this: " + beyond[key])
	}
	return errors.New("no such key" + didYouMean(key, sortedKeys(arguments)))
}

// options are what all arguments say together. Those of the URL win, as in
// redis-py.
func (c *connection) options() (*redis.Options, []error) {
	if c.address != nil {
		if err := c.setURL(); err != nil {
			return nil, []error{fmt.Errorf("address: %w", err)}
		}
	}
	o := &redis.Options{
		Network: "tcp", Addr: net.JoinHostPort(c.host, strconv.Itoa(c.port)),
		DB: c.db, Username: c.user, Password: c.password, ClientName: c.client,
		DialTimeout: c.connect, ReadTimeout: c.answer, WriteTimeout: c.answer,
	}
	if c.path != "" {
		o.Network, o.Addr = "unix", c.path
	}
	var err error
	o.TLSConfig, err = c.tls.config(c.path == "")
	if err != nil {
		return nil, []error{err}
	}
	if o.TLSConfig != nil && c.tls.files.ca != "" && c.tls.authorities == "" {
		o.Dialer = rereading(*o, c.tls.files.ca)
	}
	return o, nil
}

// rereading connects as o says, but asks the file at each connection who may vouch for
// the server.
func rereading(o redis.Options, file string) func(ctx context.Context, network, addr string) (net.Conn, error) {
	o.DialTimeout = cmp.Or(o.DialTimeout, messages.RedisConnectTimeout)
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		roots, err := readRoots(file)
		if err != nil {
			return nil, fmt.Errorf("ssl_ca_certs: %w", err)
		}
		fresh := o
		fresh.TLSConfig = o.TLSConfig.Clone()
		fresh.TLSConfig.RootCAs = roots
		if fresh.TLSConfig.VerifyConnection != nil {
			fresh.TLSConfig.VerifyConnection = vouched(roots)
		}
		return redis.NewDialer(&fresh)(ctx, network, addr)
	}
}

func (v argument) null() bool { return string(v) == "null" }

// text reads a string.
func (v argument) text(into *string) error {
	if json.Unmarshal(v, into) != nil {
		return errors.New("not text")
	}
	return nil
}

// name reads a string with something in it.
func (v argument) name(into *string) error {
	if err := v.text(into); err != nil || *into == "" {
		return errors.New("not text, or empty text")
	}
	return nil
}

// plain is a number or a string without its quotes.
func (v argument) plain() string {
	var s string
	if !v.null() && json.Unmarshal(v, &s) == nil {
		return s
	}
	return string(v)
}

func (v argument) number(into *int, least, most int) error {
	n, err := strconv.Atoi(v.plain())
	if err != nil || n < least || n > most {
		return fmt.Errorf("not a whole number from %d to %d", least, most)
	}
	*into = n
	return nil
}

func (v argument) seconds(into *time.Duration) error {
	f, err := strconv.ParseFloat(v.plain(), 64)
	if err != nil || !(f >= 0.001 && f <= 1e6) {
		return errors.New("not a number of seconds from 0.001 to 1000000")
	}
	*into = time.Duration(f * float64(time.Second))
	return nil
}

// truth reads true or false, or what redis-py takes for them in a URL.
func (v argument) truth(into *bool) error {
	switch strings.ToUpper(v.plain()) {
	case "TRUE", "1", "T", "YES", "Y":
		*into = true
	case "FALSE", "0", "F", "NO", "N":
		*into = false
	default:
		return errors.New("neither true nor false")
	}
	return nil
}
