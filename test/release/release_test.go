// Package release_test makes a release as it is published, installs it, and runs what it
// has installed.
package release_test

import (
	"bytes"
	"debug/buildinfo"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"chanmqttproxy/test/kit"
)

func TestMain(m *testing.M) {
	code := m.Run()
	kit.RemoveShared()
	os.Exit(code)
}

// The versions of an installation and of its upgrade.
const older, newer = "1.0.0", "1.1.0"

// full tells whether all platforms are built, which takes ten minutes.
func full() bool { return os.Getenv("RELEASE") == "full" }

// releases are those that were made, and the lock of making them.
var releases = struct {
	sync.Mutex
	folders map[string]string
}{folders: map[string]string{}}

// release makes a release of the last commit, once for a version, and returns the folder
// of its files.
func release(t *testing.T, version string) string {
	t.Helper()
	kit.Need(t, "git")
	releases.Lock()
	defer releases.Unlock()
	if dir := releases.folders[version]; dir != "" {
		return dir
	}
	var skip []string
	if version == newer { // only its packages are looked at
		skip = []string{"--snapshot", "--skip=archive,sbom"}
	}
	dir := makeRelease(t, kit.Shared(t), version, skip...)
	releases.folders[version] = dir
	return dir
}

func makeRelease(t *testing.T, dir, version string, flags ...string) string {
	t.Helper()
	extent := "quick"
	if full() {
		extent = "full"
	}
	cmd := exec.CommandContext(t.Context(), "../../runtime/deploy/release", append([]string{dir}, flags...)...)
	cmd.Env = append(os.Environ(), "VERSION="+version, "RELEASE="+extent)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("making a release: %v\n%s", err, out)
	}
	return filepath.Join(dir, "dist")
}

// artifact is the path of a file of a release for Linux on amd64.
func artifact(t *testing.T, version, ending string) string {
	t.Helper()
	return filepath.Join(release(t, version), "chanmqttproxy_"+version+"_linux_amd64"+ending)
}

// must runs a program in a folder, which must succeed, and returns what it prints.
func must(t *testing.T, dir, program string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), kit.Need(t, program), args...)
	cmd.Dir = dir
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s%s", program, args, err, out, errs.String())
	}
	return string(out)
}

// TestArchive: the archive has a program that says what it is, the notices, the manual
// page and the completions; the checksums are right; the bill of materials has every
// module.
func TestArchive(t *testing.T) {
	t.Parallel()
	dist, dir := release(t, older), t.TempDir()
	must(t, dist, "sha256sum", "--check", "--strict", "--quiet", "checksums.txt")
	must(t, dir, "tar", "--strip-components=1", "-xf", artifact(t, older, ".tar.gz"))
	program := filepath.Join(dir, "chanmqttproxy")
	commit := strings.TrimSpace(must(t, "../..", "git", "rev-parse", "HEAD"))
	if said := must(t, dir, program, "--version"); !strings.HasPrefix(said, "chanmqttproxy v"+older+" go1.") || !strings.Contains(said, ", commit "+commit+" of 20") {
		t.Errorf("the program says %q", said)
	}
	kit.WantNotices(t, program, filepath.Join(dir, "NOTICES.txt"))
	for _, file := range []string{"chanmqttproxy.1", "completions/_chanmqttproxy", "completions/chanmqttproxy.bash", "completions/chanmqttproxy.fish"} {
		if info, err := os.Stat(filepath.Join(dir, file)); err != nil || info.Size() < 1000 {
			t.Errorf("%s: %v", file, err)
		}
	}
	wantMaterials(t, program, artifact(t, older, ".cdx.json"))
}

// wantMaterials wants a bill of materials to have every module of a program.
func wantMaterials(t *testing.T, program, path string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var bill struct {
		BomFormat  string
		Components []struct{ Name, Version string }
	}
	if err := json.Unmarshal(content, &bill); err != nil || bill.BomFormat != "CycloneDX" {
		t.Errorf("a bill of materials: %v, %q", err, bill.BomFormat)
	}
	listed := map[string]string{}
	for _, c := range bill.Components {
		listed[c.Name] = c.Version
	}
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	for _, module := range info.Deps {
		if listed[module.Path] != module.Version {
			t.Errorf("the bill of materials has %s in version %q, want %s", module.Path, listed[module.Path], module.Version)
		}
	}
}

// TestPlatforms: there is an archive for every platform, packages for each Linux, and a
// second release of the same commit has the same files.
func TestPlatforms(t *testing.T) {
	t.Parallel()
	if !full() {
		t.Log("NOT TESTED: the other platforms, and a second release; RELEASE=full makes them")
		return
	}
	first := release(t, older)
	second := makeRelease(t, t.TempDir(), older)
	sums := must(t, first, "cat", "checksums.txt")
	if again := must(t, second, "cat", "checksums.txt"); again != sums {
		t.Errorf("two releases of one commit:\n%s\n%s", sums, again)
	}
	for _, file := range []string{"linux_amd64.tar.gz", "linux_arm64.tar.gz", "linux_armv7.tar.gz", "darwin_amd64.tar.gz", "darwin_arm64.tar.gz", "windows_amd64.zip",
		"linux_amd64.deb", "linux_arm64.deb", "linux_armv7.deb", "linux_amd64.rpm", "linux_arm64.rpm", "linux_armv7.rpm"} {
		if !strings.Contains(sums, "chanmqttproxy_"+older+"_"+file+"\n") {
			t.Errorf("the release has no %s:\n%s", file, sums)
		}
	}
}
