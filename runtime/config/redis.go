package config

import (
	"errors"
	"fmt"
	"net/url"

	"github.com/redis/go-redis/v9"
)

const redisForms = "redis://[user:password@]host[:port][/database], rediss://… or unix://path"

// parseRedis reads the URL of a Redis server. Its errors show no part of the
// URL but the scheme.
func parseRedis(address string) (*redis.Options, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("not a URL: give " + redisForms + "; special characters of a password are written as %XX")
	}
	switch u.Scheme {
	case "redis", "rediss", "unix":
	default:
		return nil, errors.New("not the URL of a Redis server: give " + redisForms)
	}
	options, err := redis.ParseURL(address)
	if err != nil {
		return nil, fmt.Errorf("the path, database or options after %s:// are not understood: give %s", u.Scheme, redisForms)
	}
	return options, nil
}
