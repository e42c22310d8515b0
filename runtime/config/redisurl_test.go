package config_test

import (
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"

	"chanmqttproxy/runtime/config"
	"chanmqttproxy/test/kit"
)

// parsedByPython prints for each URL what redis-py makes of it, or null.
const parsedByPython = `
import json, sys
from redis.asyncio.connection import parse_url
def parsed(url):
    try:
        k = parse_url(url)
    except ValueError:
        return None
    return {name: k.get(name) for name in ("host", "port", "path", "db", "username", "password")}
print(json.dumps([parsed(url) for url in json.loads(sys.argv[1])]))
`

// server is where and how redis-py, or we, log in; what is not given has its default.
type server struct {
	Host, Path, Username, Password string
	Port, DB                       int
}

// redisURLs are those with every character in a password, raw, and more.
func redisURLs() (urls []string) {
	for c := rune(0x20); c < 0x7f; c++ {
		urls = append(urls, fmt.Sprintf("redis://:a%cb@host:1/2", c), fmt.Sprintf("redis://us%cer:%c@host", c, c))
	}
	return append(urls,
		"redis://:pä漢🙂@host", "redis://ü:p@host", `redis://:^{}<>|" %\`+"`"+`@host`, "redis://:a\tb\nc\r@host", "redis://:a\x01b@host",
		"redis://:p%40%2F%3f%23@host", "redis://:100%@host", "redis://:%zz%4@host", "redis://:%C3%A4%ff@host", "redis://:a+b@host", "redis://u:@host", "redis://u@host",
		"redis://:p@[::1]:7/3", "redis://[::1]", "redis://host:7?db=3&password=a%2525+b%3D", "redis://host?password=^{}<>|\" \\`ä", "redis://host?password=a=b", "redis://host?password=a&password=b",
		"redis://h%41st/%32", "redis://host/2#x", "redis://", "redis:///4", "unix:///a%20b?db=2", "unix://:p^@/run/a.sock", "rediss://:{}@host:7",
		mistakes[0], mistakes[1], mistakes[2], "redis://:a/b@host", "redis://:a?b@host", "redis://:a#b@host", "REDIS://host", "redis:/host", "http://host", " redis://host", "")
}

// mistakes are URLs of which redis-py silently leaves a part out; here they are faults.
var mistakes = []string{"redis://host/x", "redis:/host", "redis://host?pasword=a"}

// TestRedisURLsAsPython: what redis-py takes means the same here, in a password above all.
func TestRedisURLsAsPython(t *testing.T) {
	t.Parallel()
	urls := redisURLs()
	list, err := json.Marshal(urls)
	if err != nil {
		t.Fatal(err)
	}
	var want []*server
	if err := json.Unmarshal([]byte(kit.Python(t, parsedByPython, string(list))), &want); err != nil {
		t.Fatal(err)
	}
	taken := 0
	for i, url := range urls {
		got, err := parsed(t, url)
		switch {
		case want[i] == nil && err == nil && url != "" && !strings.ContainsAny(url, "[]"):
			t.Errorf("%q: taken as %+v, which redis-py refuses", url, got)
		case want[i] == nil, err != nil && (slices.Contains(mistakes, url) || strings.HasPrefix(url, "redis://us/") || strings.HasPrefix(url, "redis://us?")):
		case err != nil:
			t.Errorf("%q: %v; redis-py takes it as %+v", url, err, *want[i])
		case got != withDefaults(*want[i]):
			t.Errorf("%q: %+v, and %+v to redis-py", url, got, withDefaults(*want[i]))
		default:
			taken++
		}
	}
	if taken < 180 {
		t.Errorf("redis-py took but %d of the URLs", taken)
	}
}

func withDefaults(s server) server {
	if s.Path == "" && s.Host == "" {
		s.Host = "localhost"
	}
	if s.Path == "" && s.Port == 0 {
		s.Port = 6379
	}
	return s
}

func parsed(t *testing.T, url string) (server, error) {
	t.Helper()
	quoted, err := json.Marshal(url)
	if err != nil {
		t.Fatal(err)
	}
	c, err := load(t, []string{"CHANNEL_LAYERS=" + layers(`{"hosts": [`+string(quoted)+`]}`)})
	if err != nil {
		return server{}, err
	}
	o := c.Layer.Hosts[0].Redis
	s := server{Username: o.Username, Password: o.Password, DB: o.DB}
	if o.Network == "unix" {
		s.Path = o.Addr
		return s, nil
	}
	host, port, err := net.SplitHostPort(o.Addr)
	if err != nil {
		t.Fatal(err)
	}
	s.Host = host
	s.Port, _ = strconv.Atoi(port)
	return s, nil
}

// FuzzRedisURL: whatever a password holds, nothing breaks, and no error shows it.
func FuzzRedisURL(f *testing.F) {
	for _, password := range []string{"", "%", "%4", "%zz", "/", "?db=", "#", "@", "[", "]", "ä", "\xff", "%ff"} {
		f.Add(password)
	}
	f.Fuzz(func(t *testing.T, password string) {
		_, err := config.Load(config.Input{Environ: []string{"REDIS_URL=redis://:" + secret + password + "@host"}})
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Fatalf("%q: %v", password, err)
		}
	})
}
