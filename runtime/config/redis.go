package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

const redisForms = "redis://[user:password@]host[:port][/database], rediss://… or unix:///path[?db=1]"

// parseRedis reads the URL of a Redis server. Its errors show no part of the
// URL but the scheme and the names of options.
func parseRedis(address string) (*redis.Options, error) {
	c := newConnection()
	quoted, err := json.Marshal(address)
	if err != nil {
		return nil, fmt.Errorf("reading a URL: %w", err)
	}
	c.address = quoted
	options, errs := c.options()
	for i, err := range errs {
		if inner := errors.Unwrap(err); inner != nil && strings.HasPrefix(err.Error(), "address: ") {
			errs[i] = inner
		}
	}
	return options, errors.Join(errs...)
}

// setURL takes the URL's parts for arguments, as redis-py does; those of its
// query first.
func (c *connection) setURL() error {
	var text string
	if json.Unmarshal(c.address, &text) != nil {
		return errors.New("not the URL of a Redis server: give " + redisForms)
	}
	u, err := parseRedisURL(text)
	if err != nil {
		return err
	}
	if err := c.setQuery(u.query); err != nil {
		return err
	}
	if u.user != "" {
		c.user = u.user
	}
	if u.password != "" {
		c.password = u.password
	}
	if u.scheme == "unix" {
		return c.setSocket(u)
	}
	return c.setNetwork(u)
}

// setQuery takes the first of the options of one name.
func (c *connection) setQuery(query []redisOption) error {
	seen := map[string]bool{}
	for _, o := range query {
		if o.name == "address" {
			return errors.New("a URL that contains another URL: give one of them")
		}
		quoted, err := json.Marshal(o.value)
		if err != nil {
			return fmt.Errorf("option %s: %w", option(o.name), err)
		}
		if seen[o.name] {
			continue
		}
		seen[o.name] = true
		if err := c.set(o.name, quoted); err != nil {
			return fmt.Errorf("option %s: %w", option(o.name), err)
		}
	}
	return nil
}

// option is the name of an option that is known, or else nothing of what
// somebody wrote there: a password with a "?" in it may have been cut.
func option(key string) string {
	_, known := arguments[key]
	if known || beyond[key] != "" {
		return key
	}
	return "…"
}

func (c *connection) setNetwork(u redisURL) error {
	c.tls.on = c.tls.on || u.scheme == "rediss"
	if u.host != "" {
		c.host = u.host
	}
	if u.port != "" {
		if err := argument(u.port).number(&c.port, 1, 65535); err != nil {
			return fmt.Errorf("the port: %w; a /, ? or # in a password is written as %%2F, %%3F or %%23", err)
		}
	}
	db := strings.Trim(u.path, "/")
	if db == "" || slices.ContainsFunc(u.query, func(o redisOption) bool { return o.name == "db" }) {
		return nil
	}
	n, err := strconv.Atoi(db)
	if err != nil || n < 0 {
		return fmt.Errorf("the database after %s:// is not a number: give %s", u.scheme, redisForms)
	}
	c.db = n
	return nil
}

func (c *connection) setSocket(u redisURL) error {
	if u.path == "" || u.host != "" {
		return errors.New("a Unix socket needs three slashes: give unix:///path")
	}
	c.path = u.path
	return nil
}
