package kit

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"sync"
	"testing"
)

// Binary builds ./cmd/chanmqttproxy, once in a test process, and returns its
// path. Under -race the program has the race detector too, and exits with 66
// where it found one.
func Binary(t testing.TB) string {
	t.Helper()
	return program(t, raceEnabled())
}

func program(t testing.TB, race bool) string {
	t.Helper()
	build := buildPlain
	if race {
		build = buildRace
	}
	path, err := build()
	if err != nil {
		t.Fatalf("building chanmqttproxy: %v", err)
	}
	return path
}

// WorkerProcess is the program under test.
type WorkerProcess struct{ *Process }

// Worker starts the program with arguments (such as "run"). Its environment is
// env ("MQTT_HOST=...") and nothing else that could configure it.
func Worker(t testing.TB, env []string, args ...string) *WorkerProcess {
	t.Helper()
	return startWorker(t, Binary(t), env, args)
}

// PlainWorker is Worker without the race detector, which takes memory of its own.
func PlainWorker(t testing.TB, env []string, args ...string) *WorkerProcess {
	t.Helper()
	return startWorker(t, program(t, false), env, args)
}

func startWorker(t testing.TB, path string, env, args []string) *WorkerProcess {
	t.Helper()
	cmd := exec.Command(path, args...)
	cmd.Dir = t.TempDir()
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + cmd.Dir}, env...)
	return &WorkerProcess{Start(t, "chanmqttproxy", cmd)}
}

// Stop ends the worker with SIGTERM: it drains and exits with 0.
func (w *WorkerProcess) Stop() {
	w.t.Helper()
	w.Process.Stop(waitLimit)
}

var (
	buildPlain = sync.OnceValues(func() (string, error) { return build(false) })
	buildRace  = sync.OnceValues(func() (string, error) { return build(true) })
)

// build puts the program in the user's cache, in a folder of this checkout's own,
// where the next test process finds it and Go links it again only after a change.
func build(race bool) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	checkout := sha256.Sum256([]byte(root()))
	path := filepath.Join(cache, "chanmqttproxy", "bin", hex.EncodeToString(checkout[:6]), "chanmqttproxy")
	args := []string{"build"}
	if race {
		path += "-race"
		args = append(args, "-race")
	}
	cmd := exec.Command("go", append(args, "-o", path, "./cmd/chanmqttproxy")...)
	cmd.Dir = root()
	cmd.Stderr = os.Stderr
	return path, cmd.Run()
}

// raceEnabled tells whether the test itself was built with -race.
func raceEnabled() bool {
	info, _ := debug.ReadBuildInfo()
	if info == nil {
		return false
	}
	for _, s := range info.Settings {
		if s.Key == "-race" {
			return s.Value == "true"
		}
	}
	return false
}
