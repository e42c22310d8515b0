package kit

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// Python runs a Python script, given as text, with Django, Channels and
// channels_redis at hand, and returns what it wrote to standard output. The
// test fails where the script does, or takes longer than four minutes.
func Python(t testing.TB, script string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute)
	defer cancel()
	cmd := pythonCommand(ctx, t, append([]string{"-c", script}, args...)...)
	var stderr output
	cmd.Stderr = &stderr
	stdout, err := cmd.Output()
	if err != nil {
		t.Fatalf("running a Python script: %v\n%s%s", err, stdout, stderr.String())
	}
	return string(stdout)
}

// StartPython starts a Python script as Python does and leaves it running.
func StartPython(t testing.TB, name, script string, args ...string) *Process {
	t.Helper()
	cmd := pythonCommand(context.Background(), t, append([]string{"-c", script}, args...)...)
	return Start(t, name, cmd)
}

// SitePython is the path of the Python that has what the site needs.
func SitePython(t testing.TB) string {
	t.Helper()
	return interpreter(context.Background(), t, siteVenv(t)).Path
}

// pythonCommand is the site's Python with its arguments, in the site's
// directory.
func pythonCommand(ctx context.Context, t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	return interpreter(ctx, t, siteVenv(t), args...)
}

// interpreter is the Python of a virtual environment that test/run makes.
func interpreter(ctx context.Context, t testing.TB, venv string, args ...string) *exec.Cmd {
	t.Helper()
	path := filepath.Join(venv, "bin", "python")
	if _, err := os.Stat(path); err != nil {
		Missing(t, "no Python with Django and Channels: run test/run, which installs it (%v)", err)
	}
	cmd := exec.CommandContext(ctx, path, append([]string{"-u"}, args...)...)
	cmd.Dir = siteDir()
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "PYTHONPATH="+filepath.Join(pythonPackage(), "src"))
	return cmd
}

// siteVenv is where test/run puts the virtual environment of the site, unless
// CHANMQTTPROXY_VENV names another.
func siteVenv(t testing.TB) string {
	t.Helper()
	if dir := os.Getenv("CHANMQTTPROXY_VENV"); dir != "" {
		return dir
	}
	return Venv(t, SiteFile("requirements.txt"))
}

// Venv is the folder of the virtual environment for the present content of a file of
// requirements. Whoever makes it, as test/run does, puts it there.
func Venv(t testing.TB, path string) string {
	t.Helper()
	requirements, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("reading what a virtual environment is made of: %v", err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatalf("finding the virtual environment: %v", err)
	}
	key := fmt.Sprintf("venv-%x", sha256.Sum256(requirements))[:len("venv-")+12]
	return filepath.Join(cache, "chanmqttproxy", key)
}

// root is the top directory of the checkout.
func root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Dir(filepath.Dir(filepath.Dir(file)))
}

func siteDir() string { return filepath.Join(root(), "test", "site") }
