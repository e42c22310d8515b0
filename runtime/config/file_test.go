package config_test

import (
	"strings"
	"testing"
)

// TestEmptyFile: one that is being written is no configuration.
func TestEmptyFile(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{"a.yaml": "", "b.yaml": "\n", "a.toml": "", "b.toml": " \r\n\t\n"} {
		if _, err := load(t, nil, "--config="+write(t, name, content)); err == nil || !strings.Contains(err.Error(), "the file is empty") {
			t.Errorf("%s with %q: %v", name, content, err)
		}
	}
	for name, content := range map[string]string{"a.yaml": "# all defaults\n", "b.yaml": "{}", "a.toml": "# all defaults\n"} {
		must(t, nil, "--config="+write(t, name, content))
	}
}
