// Package handlers_test runs what a site does with messages without a browser: the
// handlers of its apps, and the last messages, with real servers.
package handlers_test

import (
	"strings"
	"testing"
	"time"

	"chanmqttproxy/test/kit"
)

// TestPython runs the tests of the Python package that need a Redis or a PostgreSQL.
func TestPython(t *testing.T) {
	t.Parallel()
	redis, postgres := kit.Redis(t), kit.Postgres(t)
	pytest := kit.Pytest(t, []string{"TEST_REDIS_URL=" + redis.URL(), "TEST_POSTGRES_URL=" + postgres.URL()},
		"tests/test_reader.py", "tests/test_stuck.py", "tests/test_state.py")
	if code := pytest.ExitCode(5 * time.Minute); code != 0 {
		t.Errorf("pytest exited with %d:\n%s", code, pytest.Output())
	}
	if out := pytest.Output(); strings.Contains(out, "skipped") {
		t.Errorf("some tests were skipped:\n%s", out)
	}
}
