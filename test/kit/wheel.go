package kit

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// pythonPackage is the folder of the Python package.
func pythonPackage() string { return filepath.Join(root(), "runtime", "python") }

// PythonTool is the path of a program with which the Python package is built and
// checked ("uv", "twine").
func PythonTool(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join(Venv(t, filepath.Join(pythonPackage(), "requirements.txt")), "bin", name)
	if _, err := os.Stat(path); err != nil {
		Missing(t, "no %s: run test/run, which installs it (%v)", name, err)
	}
	return path
}

// wheel is built once in a test process.
var wheel struct {
	sync.Mutex
	path string
}

// Wheel builds the Python package's wheel for this machine and returns its path.
func Wheel(t testing.TB) string {
	t.Helper()
	python := PythonTool(t, "python")
	wheel.Lock()
	defer wheel.Unlock()
	if wheel.path != "" {
		return wheel.path
	}
	dir := Shared(t)
	BuildWheel(t, python, dir, "wheel")
	made, _ := filepath.Glob(filepath.Join(dir, "*.whl"))
	if len(made) != 1 {
		t.Fatalf("the build made %q, want one wheel", made)
	}
	wheel.path = made[0]
	return wheel.path
}

// shared are the folders of a whole test process.
var shared struct {
	sync.Mutex
	dirs []string
}

// Shared makes a folder that lasts until RemoveShared.
func Shared(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "chanmqttproxy-")
	if err != nil {
		t.Fatalf("making a folder for several tests: %v", err)
	}
	shared.Lock()
	defer shared.Unlock()
	shared.dirs = append(shared.dirs, dir)
	return dir
}

// RemoveShared removes what Shared has made: for the end of a test process.
func RemoveShared() {
	for _, dir := range shared.dirs {
		_ = os.RemoveAll(dir)
	}
}

// BuildWheel builds a "wheel" or "sdist" into a folder, with more variables of the
// environment if any ("CHANMQTTPROXY_TARGET=linux/arm64").
func BuildWheel(t testing.TB, python, dir, kind string, env ...string) {
	t.Helper()
	cmd := exec.Command(python, "-m", "hatchling", "build", "--target", kind, "--directory", dir)
	cmd.Dir, cmd.Env = pythonPackage(), append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building the %s: %v\n%s", kind, err, out)
	}
}

// FreshPython makes a virtual environment in dir with the wheel and more packages
// ("daphne", "Django==4.2") and returns the folder of its programs. The Python is one
// that uv understands: a path, or a version.
func FreshPython(t testing.TB, dir, python string, packages ...string) string {
	t.Helper()
	Uv(t, "venv", "--quiet", "--python", python, dir)
	Uv(t, append([]string{"pip", "install", "--quiet", "--python", dir, Wheel(t)}, packages...)...)
	return filepath.Join(dir, "bin")
}

// Uv runs uv, which must succeed within ten minutes, and returns its output.
func Uv(t testing.TB, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, PythonTool(t, "uv"), args...)
	cmd.Env = append(os.Environ(), "UV_PYTHON_DOWNLOADS=never", "UV_LINK_MODE=copy")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("uv %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// Pythons are the interpreters of these versions ("3.10") on this machine, as far as
// there are any: those of pyenv, and those in the PATH.
func Pythons(versions ...string) map[string]string {
	found := map[string]string{}
	home, _ := os.UserHomeDir()
	for _, version := range versions {
		of, _ := filepath.Glob(filepath.Join(home, ".pyenv", "versions", version+".*", "bin", "python"))
		if len(of) > 0 {
			found[version] = of[len(of)-1]
		} else if path, err := exec.LookPath(fmt.Sprintf("python%s", version)); err == nil {
			found[version] = path
		}
	}
	return found
}
