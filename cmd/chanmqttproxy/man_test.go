package main_test

import (
	"os/exec"
	"strings"
	"testing"

	"chanmqttproxy/test/kit"
)

// TestManual: the manual page has every command and every setting, and mandoc has no
// objection to it.
func TestManual(t *testing.T) {
	t.Parallel()
	page := execute(t, nil, "man").out
	for _, part := range []string{`"2026-01-02"`, "v0.0.0-test", `.B dead\-letters replay`, `.B \-\-connect`, `.B \-\-mqtt\-host`, `\-\-mqtt\-password\-file`} {
		if !strings.Contains(page, part) {
			t.Errorf("the page has no %q", part)
		}
	}
	lint := exec.CommandContext(t.Context(), kit.Need(t, "mandoc"), "-T", "lint", "-W", "warning")
	lint.Stdin = strings.NewReader(page)
	if out, err := lint.CombinedOutput(); err != nil {
		t.Errorf("mandoc: %v\n%s", err, out)
	}
}
