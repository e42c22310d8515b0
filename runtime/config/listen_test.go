package config_test

import (
	"slices"
	"strings"
	"testing"
)

func TestListen(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"off": "", "OFF": "", "127.0.0.1:8083": "127.0.0.1:8083", ":1": ":1", "[::1]:80": "[::1]:80", "localhost:0": "localhost:0",
	} {
		if c := must(t, []string{"HTTP_LISTEN=" + value}); c.HTTP.Listen != want {
			t.Errorf("%s became %q", value, c.HTTP.Listen)
		}
	}
	for _, value := range []string{"8083", "127.0.0.1", "a:b", "a:65536", "http://a:1", "a b:1", ":", "/tmp/socket"} {
		if _, err := load(t, []string{"HTTP_LISTEN=" + value}); err == nil {
			t.Errorf("%s was taken", value)
		}
	}
}

func TestPprofOnLoopbackOnly(t *testing.T) {
	t.Parallel()
	for value, good := range map[string]bool{"off": true, "127.0.0.2:1": true, "localhost:1": true, "[::1]:1": true, ":1": false, "0.0.0.0:1": false, "host:1": false} {
		if _, err := load(t, []string{"HTTP_LISTEN=" + value, "HTTP_PPROF=1"}); (err == nil) != good {
			t.Errorf("%s: %v", value, err)
		}
	}
}

func TestCountedFilters(t *testing.T) {
	t.Parallel()
	if c := must(t, []string{"METRICS_FILTERS=a/#, b/+,a/#"}); !slices.Equal(c.HTTP.Count, []string{"a/#", "b/+"}) {
		t.Errorf("counted are %q", c.HTTP.Count)
	}
	many := make([]string, 101)
	for i := range many {
		many[i] = strings.Repeat("a/", i) + "a"
	}
	for _, value := range []string{"a/#/b", "a,", strings.Join(many, ",")} {
		if _, err := load(t, []string{"METRICS_FILTERS=" + value}); err == nil {
			t.Errorf("%.20s was taken", value)
		}
	}
}
