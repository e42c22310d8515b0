package config_test

import (
	"strings"
	"testing"

	"chanmqttproxy/runtime/config"
)

// layersFault is what is wrong with a CHANNEL_LAYERS.
func layersFault(text string) string {
	_, err := config.Load(config.Input{Environ: []string{"CHANNEL_LAYERS=" + text}})
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestPythonNotation: whoever gives CHANNEL_LAYERS as it stands in Django's settings is
// shown the JSON that it should be, without what may be secret.
func TestPythonNotation(t *testing.T) {
	t.Parallel()
	for python, want := range map[string]string{
		`{'default': {'BACKEND': 'channels_redis.core.RedisChannelLayer', 'CONFIG': {'hosts': [('127.0.0.1', 6379), "redis://:secret@h"], 'capacity': 10, 'symmetric_encryption_keys': ['secret'],},},}`://
		`{"default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [["…", 6379], "…"], "capacity": 10, "symmetric_encryption_keys": ["…"]}}}`,
		`{"default": {"BACKEND": "x", "CONFIG": {"a": True, "b": None, "c": False}}}`: `{"default": {"BACKEND": "x", "CONFIG": {"a": true, "b": null, "c": false}}}`,
		`{'default': {'BACKEND': 'it\'s "x"'}}`: `{"default": {"BACKEND": "it's \"x\""}}`,
	} {
		if got := layersFault(python); !strings.Contains(got, "this is Python's notation; write it as JSON: "+want) || strings.Contains(got, "secret@") || strings.Contains(got, `"secret"`) {
			t.Errorf("%s:\n%s\nwant %s", python, got, want)
		}
	}
	for _, neither := range []string{`{'default': os.environ["X"]}`, `{'default'`, `{'a': 'b}`, "{", "()", "'"} {
		if got := layersFault(neither); !strings.Contains(got, "not JSON") && !strings.Contains(got, "not a JSON object") {
			t.Errorf("%s: %s", neither, got)
		}
	}
}

// FuzzPythonNotation: whatever CHANNEL_LAYERS is, it is read or refused, and of its texts
// none is shown but keys and the back end.
func FuzzPythonNotation(f *testing.F) {
	f.Add(`'x', "y", (True, None,)`)
	f.Fuzz(func(t *testing.T, inner string) {
		fault := layersFault(`{'default': {'CONFIG': {'hosts': ['p4ssw0rd', ` + inner + `]}}}`)
		if strings.Contains(fault, "p4ssw0rd") && !strings.Contains(inner, "p4ssw0rd") {
			t.Errorf("a secret is shown: %s", fault)
		}
	})
}
