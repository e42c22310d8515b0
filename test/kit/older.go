package kit

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

var buildingOlder sync.Mutex

// OlderBinary builds the program as it was at a commit of this repository, once for all
// test processes, and returns its path. Where the commit is not there, as in a shallow
// clone, the test is skipped.
func OlderBinary(t testing.TB, commit string) string {
	t.Helper()
	buildingOlder.Lock()
	defer buildingOlder.Unlock()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatalf("finding the user's cache: %v", err)
	}
	path := filepath.Join(cache, "chanmqttproxy", "older", commit)
	if _, err := os.Stat(path); err == nil {
		return path
	}
	if err := exec.Command("git", "-C", root(), "cat-file", "-e", commit+"^{commit}").Run(); err != nil {
		t.Skipf("NOT TESTED: this clone has no commit %s, whose program is to run beside the present one", commit)
	}
	dir := t.TempDir()
	script := fmt.Sprintf("set -e; git -C %q archive %s | tar -x -C %q; cd %q; go build -o built ./cmd/chanmqttproxy; mkdir -p %q; cp built %q; mv %q %q",
		root(), commit, dir, dir, filepath.Dir(path), path+".new", path+".new", path)
	if out, err := exec.Command("sh", "-c", script).CombinedOutput(); err != nil {
		t.Fatalf("building the program of %s: %v\n%s", commit, err, out)
	}
	return path
}

// OlderWorker is Worker for the program of a commit.
func OlderWorker(t testing.TB, commit string, env []string, args ...string) *WorkerProcess {
	t.Helper()
	return startWorker(t, OlderBinary(t, commit), env, args)
}
