package config

import (
	"encoding/json"
	"fmt"
	"maps"

	"github.com/redis/go-redis/v9"
)

// Host is one server of the layer, or one set of servers that Sentinels watch.
type Host struct {
	// Redis is where the server is and how to log in; it holds the password.
	// With Sentinels it has no address.
	Redis *redis.Options
	// Sentinels tell where the master is that they call Master; none: the server
	// is at its address.
	Sentinels []*redis.Options
	Master    string
}

// host reads one entry of hosts, in any of the forms that channels_redis takes:
// a URL, [host, port], {"address": URL, …}, {"sentinels": [[host, port], …],
// "master_name": …, …}, or redis-py's connection arguments.
func (r *layerReader) host(path string, v json.RawMessage) Host {
	var address string
	var pair []json.RawMessage
	var dict map[string]json.RawMessage
	switch {
	case json.Unmarshal(v, &address) == nil && string(v) != "null":
		return Host{Redis: r.server(path, map[string]json.RawMessage{"address": v})}
	case json.Unmarshal(v, &pair) == nil && pair != nil:
		return Host{Redis: r.pair(path, pair)}
	case json.Unmarshal(v, &dict) == nil && dict != nil:
		return r.dict(path, dict)
	}
	r.fail(path, `not a host: give a URL, [host, port] or redis-py's connection arguments`)
	return Host{}
}

// dict is of a set that Sentinels watch where it has master_name and no
// address: that is the precedence of channels_redis.
func (r *layerReader) dict(path string, dict map[string]json.RawMessage) Host {
	_, address := dict["address"]
	_, master := dict["master_name"]
	if address || !master {
		return Host{Redis: r.server(path, dict)}
	}
	return r.watched(path, maps.Clone(dict))
}

// watched reads a set of servers: who watches them, and how to log in to the
// one that is the master.
func (r *layerReader) watched(path string, dict map[string]json.RawMessage) Host {
	h := Host{}
	r.read(path+".master_name", dict["master_name"], &h.Master, "text")
	var list [][]json.RawMessage
	r.read(path+".sentinels", dict["sentinels"], &list, "a list of [host, port]")
	kwargs := map[string]json.RawMessage{}
	if given, ok := dict["sentinel_kwargs"]; ok {
		r.read(path+".sentinel_kwargs", given, &kwargs, "an object")
	}
	for i, pair := range list {
		h.Sentinels = append(h.Sentinels, r.sentinel(fmt.Sprintf("%s.sentinels[%d]", path, i), path+".sentinel_kwargs", pair, kwargs, i == 0))
	}
	if h.Master == "" || len(list) == 0 {
		r.fail(path, `Sentinels need "master_name" and at least one [host, port] in "sentinels"`)
	}
	for _, key := range []string{"master_name", "sentinels", "sentinel_kwargs"} {
		delete(dict, key)
	}
	for _, key := range []string{"host", "port", "path", "unix_socket_path"} {
		if _, ok := dict[key]; ok {
			r.fail(path+"."+key, "it does not go with master_name: the Sentinels know where the master is")
		}
	}
	h.Redis = r.server(path, dict)
	if h.Redis != nil {
		h.Redis.Addr = ""
	}
	return h
}

// sentinel reads where one Sentinel is. How to log in is said once for all:
// what is wrong with that is told where first is set.
func (r *layerReader) sentinel(path, kwargsPath string, pair []json.RawMessage, kwargs map[string]json.RawMessage, first bool) *redis.Options {
	told := len(r.errs)
	login := r.server(kwargsPath, kwargs)
	if !first {
		r.errs = r.errs[:told]
	}
	where := r.pair(path, pair)
	if login == nil || where == nil {
		return nil
	}
	login.Network, login.Addr = "tcp", where.Addr
	return login
}

// pair reads [host, port].
func (r *layerReader) pair(path string, pair []json.RawMessage) *redis.Options {
	if len(pair) != 2 {
		r.fail(path, `not [host, port]: give ["localhost", 6379]`)
		return nil
	}
	return r.server(path, map[string]json.RawMessage{"host": pair[0], "port": pair[1]})
}

// server reads the connection arguments of one server, address among them. It
// is nil where anything is wrong with them.
func (r *layerReader) server(path string, arguments map[string]json.RawMessage) *redis.Options {
	c := newConnection()
	told := len(r.errs)
	for _, key := range sortedKeys(arguments) {
		if err := c.set(key, argument(arguments[key])); err != nil {
			r.fail(path+"."+key, "%w", err)
		}
	}
	options, errs := c.options()
	for _, err := range errs {
		r.fail(path, "%w", err)
	}
	if len(r.errs) > told {
		return nil
	}
	return options
}
