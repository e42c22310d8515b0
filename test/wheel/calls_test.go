package wheel_test

import (
	"context"
	"os/exec"
	"testing"
	"time"

	"chanmqttproxy/test/kit"
)

// TestCalls: calls, consumers and the broker for tests do with a real worker, broker and
// Redis what they do without, over each kind of channel layer. The tests are the
// package's own; they start the servers.
func TestCalls(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"redis-server", "mosquitto"} {
		kit.Need(t, program)
	}
	python := kit.Pythons("3.13", "3.12", "3.11")
	for _, version := range []string{"3.13", "3.12", "3.11"} {
		if python[version] == "" {
			continue
		}
		bin := kit.FreshPython(t, t.TempDir(), python[version], "--constraint", kit.SiteFile("requirements.txt"),
			"pytest", "celery", "gunicorn", "paho-mqtt", "redis", "cryptography")
		for _, layer := range []string{"core", "hosts", "pubsub", "encrypted"} {
			realWorld(t, bin, layer)
		}
		return
	}
	kit.Missing(t, "no Python 3.11 to 3.13 on this machine")
}

// realWorld runs the tests of the package that need servers.
func realWorld(t *testing.T, bin, layer string) {
	t.Helper()
	tests := []string{"../../runtime/python/tests/test_scenarios.py"}
	if layer == "core" || layer == "hosts" {
		tests = append(tests, "../../runtime/python/tests/test_processes.py")
	}
	if layer == "core" {
		tests = append(tests, "../../runtime/python/tests/test_wsgi.py")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 6*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, bin+"/python", append([]string{"-m", "pytest", "-q", "-p", "no:cacheprovider"}, tests...)...)
	cmd.Env = append(cmd.Environ(), "REAL="+layer, "PATH="+bin+":/usr/bin:/bin:/usr/sbin", "PYTHONDONTWRITEBYTECODE=1")
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("with the layer %s: %v\n%s", layer, err, out)
	}
	t.Logf("with the layer %s:\n%s", layer, out)
}
