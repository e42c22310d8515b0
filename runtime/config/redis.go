package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
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
	u, err := url.Parse(text)
	if err != nil {
		return errors.New("not a URL: give " + redisForms + "; special characters of a password are written as %XX")
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return errors.New("the options after ? are not understood: give " + redisForms)
	}
	if err := c.setQuery(query); err != nil {
		return err
	}
	if user := u.User.Username(); user != "" {
		c.user = user
	}
	if password, _ := u.User.Password(); password != "" {
		c.password = password
	}
	switch u.Scheme {
	case "redis", "rediss":
		return c.setNetwork(u, query.Has("db"))
	case "unix":
		return c.setSocket(u)
	}
	return errors.New("not the URL of a Redis server: give " + redisForms)
}

func (c *connection) setQuery(query url.Values) error {
	for _, key := range sortedKeys(query) {
		if key == "address" {
			return errors.New("a URL inside a URL")
		}
		quoted, err := json.Marshal(query.Get(key))
		if err != nil {
			return fmt.Errorf("option %s: %w", key, err)
		}
		if err := c.set(key, quoted); err != nil {
			return fmt.Errorf("option %s: %w", option(key), err)
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

func (c *connection) setNetwork(u *url.URL, hasDB bool) error {
	c.tls.on = c.tls.on || u.Scheme == "rediss"
	if host := u.Hostname(); host != "" {
		c.host = host
	}
	if port := u.Port(); port != "" {
		if err := argument(port).number(&c.port, 1, 65535); err != nil {
			return fmt.Errorf("the port: %w", err)
		}
	}
	db := strings.Trim(u.Path, "/")
	if db == "" || hasDB {
		return nil
	}
	n, err := strconv.Atoi(db)
	if err != nil || n < 0 {
		return fmt.Errorf("the database after %s:// is not a number: give %s", u.Scheme, redisForms)
	}
	c.db = n
	return nil
}

func (c *connection) setSocket(u *url.URL) error {
	if u.Path == "" || u.Host != "" {
		return errors.New("a Unix socket needs three slashes: give unix:///path")
	}
	c.path = u.Path
	return nil
}
