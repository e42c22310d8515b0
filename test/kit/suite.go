package kit

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

// suiteFolder is where test/run puts the tests of the site's channels_redis, with pytest.
func suiteFolder(t testing.TB) string {
	t.Helper()
	requirements, err := os.ReadFile(filepath.Join(siteDir(), "requirements.txt"))
	if err != nil {
		t.Fatalf("reading which channels_redis the site has: %v", err)
	}
	version := regexp.MustCompile(`(?m)^channels_redis==(.+)$`).FindSubmatch(requirements)
	cache, err := os.UserCacheDir()
	if err != nil || version == nil {
		t.Fatalf("finding the tests of channels_redis: %v", err)
	}
	suite := filepath.Join(cache, "chanmqttproxy", "channels_redis-"+string(version[1]))
	if _, err := os.Stat(filepath.Join(suite, "installed")); err != nil {
		Missing(t, "no tests of channels_redis: run test/run, which installs them (%v)", err)
	}
	return suite
}

// Suite runs files of channels_redis's own tests ("test_pubsub.py"), of the version that
// the site has, against the Redis at an address, and returns what pytest says. The error
// is of tests that failed.
func Suite(t testing.TB, redis string, files ...string) (string, error) {
	t.Helper()
	suite := suiteFolder(t)
	dir := t.TempDir()
	args := []string{"-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "asyncio_mode=auto", "-o", "timeout=60", "--rootdir", dir}
	for _, name := range files {
		text, err := os.ReadFile(filepath.Join(suite, "tests", name))
		if err != nil {
			t.Fatalf("reading the tests of channels_redis: %v", err)
		}
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, bytes.ReplaceAll(text, []byte("localhost:6379"), []byte(redis)), 0o600); err != nil {
			t.Fatalf("writing a copy of the tests of channels_redis: %v", err)
		}
		args = append(args, file)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := pythonCommand(ctx, t, args...)
	cmd.Dir = dir
	cmd.Env = append(cmd.Env, "PYTHONPATH="+suite)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// Pytest runs tests of the Python package ("tests/test_state.py"), with more of the
// environment, in the site's Python.
func Pytest(t testing.TB, env []string, files ...string) *Process {
	t.Helper()
	cmd := pythonCommand(context.Background(), t, append([]string{"-m", "pytest", "-q", "-p", "no:cacheprovider"}, files...)...)
	cmd.Dir = pythonPackage()
	cmd.Env = append(append(cmd.Env, "PYTHONPATH="+filepath.Join(cmd.Dir, "src")+":"+suiteFolder(t)), env...)
	return Start(t, "pytest", cmd)
}
