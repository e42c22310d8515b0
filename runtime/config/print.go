package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
)

// YAML is the configuration as a file: each setting that was given, with its
// source behind it. Defaults are comments, and so are secrets, which are hidden; the query
// of a broker's URL may hold one.
func (c *Config) YAML() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, s := range settings {
		fmt.Fprintf(w, "%s\t# %s\n", c.line(s), c.from(s.env))
	}
	if n := len(c.Subscriptions); n > 0 {
		fmt.Fprintf(w, "# %s: (%d of them)\t# %s\n", subscriptionsKey, n, File)
	}
	w.Flush() // a strings.Builder takes everything
	return b.String()
}

func (c *Config) line(s setting) string {
	value, given := c.written[s.env]
	switch {
	case !given && s.shown != "":
		return "# " + asKey(s.env) + ": (" + s.shown + ")"
	case !given:
		return "# " + asKey(s.env) + ": (none)"
	case c.Source(s.env) == Default:
		return "# " + asKey(s.env) + ": " + scalar(s.kind, value)
	case s.secret:
		return "# " + asKey(s.env) + ": (secret)"
	case s.env == "MQTT_HOST" && withoutQueries(value) != value:
		return "# " + asKey(s.env) + ": " + scalar(s.kind, withoutQueries(value))
	default:
		return asKey(s.env) + ": " + scalar(s.kind, value)
	}
}

// from is the source of a value, and under which name it was given there.
func (c *Config) from(env string) string {
	if c.Source(env) == Default {
		return Default.String()
	}
	return c.Where(env)
}

// scalar writes a value in YAML, of which JSON's text is a part.
func scalar(k kind, value string) string {
	switch k {
	case number, boolean:
		return value
	}
	return quote(value)
}

// quote writes text as JSON does, but without mangling "<", ">" and "&".
func quote(text string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(text) // text can always be encoded
	return strings.TrimSpace(b.String())
}

// Env is a file for the environment, as systemd and containers read it, with
// all settings commented out at their defaults.
func Env() string {
	var b strings.Builder
	for i, s := range settings {
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "# %s\n#%s=%s\n", s.usage(), s.env, s.fallback)
		if s.secret {
			fmt.Fprintf(&b, "#%s%s=\n", s.env, twin)
		}
	}
	return b.String()
}
