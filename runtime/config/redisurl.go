package config

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

// redisURL is the URL of a Redis server in its parts, decoded.
type redisURL struct {
	scheme, user, password, host, port, path string

	query []redisOption
}

// redisOption is one of the options after "?".
type redisOption struct{ name, value string }

// parseRedisURL cuts a URL where redis-py does, which does it as Python's urlsplit: what
// is before the last "@" of the first part is user and password, in which every character
// but "/", "?" and "#" stands for itself, and a "%" too where no two digits follow it.
func parseRedisURL(text string) (redisURL, error) {
	scheme, rest, found := strings.Cut(strings.TrimLeftFunc(text, func(r rune) bool { return r <= ' ' }), "://")
	scheme = strings.ToLower(scheme)
	if !found || scheme != "redis" && scheme != "rediss" && scheme != "unix" {
		return redisURL{}, errors.New("not the URL of a Redis server: give " + redisForms)
	}
	rest = strings.NewReplacer("\t", "", "\r", "", "\n", "").Replace(rest)
	end := len(rest)
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		end = i
	}
	u := redisURL{scheme: scheme}
	u.setNetwork(rest[:end])
	rest, _, _ = strings.Cut(rest[end:], "#")
	path, query, _ := strings.Cut(rest, "?")
	u.path = unquote(path)
	for pair := range strings.SplitSeq(query, "&") {
		if name, value, _ := strings.Cut(pair, "="); name != "" || value != "" {
			u.query = append(u.query, redisOption{unquotePlus(name), unquote(unquotePlus(value))})
		}
	}
	return u, nil
}

// setNetwork reads what is between "//" and the path.
func (u *redisURL) setNetwork(network string) {
	at := strings.LastIndexByte(network, '@')
	user, password, _ := strings.Cut(network[:max(at, 0)], ":")
	u.user, u.password = unquote(user), unquote(password)
	host := network[at+1:]
	if before, inside, bracket := strings.Cut(host, "["); bracket && before == "" {
		host, inside, _ = strings.Cut(inside, "]")
		_, u.port, _ = strings.Cut(inside, ":")
	} else {
		host, u.port, _ = strings.Cut(host, ":")
	}
	u.host = unquote(host)
}

// unquotePlus is unquote for what HTML forms write.
func unquotePlus(s string) string { return unquote(strings.ReplaceAll(s, "+", " ")) }

// unquote decodes %XX as Python's unquote does: other uses of "%" stay, and bytes that
// are not UTF-8 become U+FFFD.
func unquote(s string) string {
	var b []byte
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				b = append(b, byte(n))
				i += 2
				continue
			}
		}
		b = append(b, s[i])
	}
	if utf8.Valid(b) {
		return string(b)
	}
	return string([]rune(string(b)))
}
