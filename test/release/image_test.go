package release_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"chanmqttproxy/test/kit"
)

// builder builds images into a store of its own.
type builder struct {
	*testing.T
	store []string
}

func newBuilder(t *testing.T) builder {
	t.Helper()
	if os.Geteuid() != 0 {
		kit.Missing(t, "images are built as root only")
	}
	dir := t.TempDir()
	// This driver mounts nothing that would have to be unmounted.
	return builder{t, []string{"--storage-driver", "vfs", "--root", filepath.Join(dir, "root"), "--runroot", filepath.Join(dir, "run")}}
}

func (b builder) run(args ...string) string {
	b.Helper()
	return strings.TrimSpace(must(b.T, "../..", "buildah", append(slices.Clone(b.store), args...)...))
}

// compiler makes an image that stands in for that of Go: it holds a shell; the Go of this
// machine, and what it has compiled and loaded, are mounted.
func (b builder) compiler() (name string, mounts []string) {
	b.Helper()
	dir := b.TempDir()
	files := map[string]string{
		"etc/passwd":                        "root:x:0:0::/root:/bin/sh\n",
		"Dockerfile":                        "FROM scratch\nCOPY . /\nENV PATH=/usr/local/go/bin:/bin GOPATH=/go GOTOOLCHAIN=local\n",
		"tmp/x":                             "",
		"etc/ssl/certs/ca-certificates.crt": must(b.T, "/", "cat", "/etc/ssl/certs/ca-certificates.crt"),
		"bin/sh":                            must(b.T, "/", "cat", kit.Need(b, "busybox")),
		"bin/mkdir":                         "#!/bin/sh\nexec /bin/busybox mkdir \"$@\"\n",
		"bin/busybox":                       must(b.T, "/", "cat", kit.Need(b, "busybox")),
	}
	for file, content := range files {
		path := filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
			b.Fatal(err)
		}
	}
	b.run("build", "--quiet", "--tag", "go", dir)
	for variable, target := range map[string]string{"GOROOT": "/usr/local/go", "GOMODCACHE": "/go/pkg/mod", "GOCACHE": "/root/.cache/go-build"} {
		mounts = append(mounts, "--volume", strings.TrimSpace(must(b.T, "/", "go", "env", variable))+":"+target)
	}
	return "localhost/go", mounts
}

// image is what an image says of itself.
type image struct {
	User         string
	Entrypoint   []string
	Cmd          []string
	Env          []string
	ExposedPorts map[string]any
	Healthcheck  struct{ Test []string }
}

// TestImage builds the image as it is published and runs it as a container would: not as
// root, with its files read-only.
func TestImage(t *testing.T) {
	t.Parallel()
	b, redis, broker := newBuilder(t), kit.Redis(t), kit.Mosquitto(t)
	compiler, mounts := b.compiler()
	b.run(slices.Concat([]string{"build", "--quiet", "--isolation", "chroot", "--format", "docker", "--tag", "chanmqttproxy",
		"--file", "runtime/deploy/docker/Dockerfile", "--ignorefile", "runtime/deploy/docker/Dockerfile.dockerignore",
		"--build-arg", "GO=" + compiler, "--build-arg", "VERSION=v" + older, "--build-arg", "COMMIT=abc", "--build-arg", "DATE=2026-01-02T03:04:05Z"},
		mounts, []string{"."})...)
	var described struct {
		Docker struct {
			Config image `json:"config"`
		}
	}
	if err := json.Unmarshal([]byte(b.run("inspect", "--type", "image", "chanmqttproxy")), &described); err != nil {
		t.Fatal(err)
	}
	image := described.Docker.Config
	if image.User != "65532:65532" || image.ExposedPorts["8083/tcp"] == nil || len(image.Healthcheck.Test) < 2 || image.Healthcheck.Test[0] != "CMD" {
		t.Errorf("the image says %+v", image)
	}
	root := b.run("mount", b.run("from", "--name", "worker", "chanmqttproxy"))
	wantHeld(t, root)
	kit.WantNotices(t, filepath.Join(root, "chanmqttproxy"), filepath.Join(root, "NOTICES.txt"))

	env := append(image.Env, "REDIS_URL="+redis.URL(), "MQTT_HOST="+broker.Addr(), fmt.Sprintf("HTTP_LISTEN=127.0.0.1:%d", kit.FreePort(t)))
	worker := kit.Start(t, "the image", contained(t, root, image.User, env, append(image.Entrypoint, image.Cmd...)...))
	brings(t, redis, broker)
	status := must(t, "/", "cat", fmt.Sprintf("/proc/%d/status", worker.PID()))
	if !strings.Contains(status, "Uid:\t65532\t65532") {
		t.Errorf("it runs as\n%s", status)
	}
	for _, check := range [][]string{image.Healthcheck.Test[1:], {"/chanmqttproxy", "healthcheck"}} {
		if out, err := contained(t, root, image.User, env, check...).CombinedOutput(); err != nil {
			t.Errorf("%q: %v\n%s", check, err, out)
		}
	}
	worker.Stop(time.Minute)
	if out, err := contained(t, root, image.User, env, image.Healthcheck.Test[1:]...).CombinedOutput(); err == nil {
		t.Errorf("a worker that has stopped is well: %s", out)
	}
}

// wantHeld wants an image to hold the program and the two files that it takes, and to be
// small.
func wantHeld(t *testing.T, root string) {
	t.Helper()
	var files []string
	size := int64(0)
	err := filepath.WalkDir(root, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			files, size = append(files, strings.TrimPrefix(path, root)), size+info.Size()
		}
		return err
	})
	if want := []string{"/NOTICES.txt", "/chanmqttproxy", "/etc/ssl/certs/ca-certificates.crt"}; err != nil || !slices.Equal(files, want) {
		t.Errorf("the image holds %q, want %q (%v)", files, want, err)
	}
	t.Logf("the image holds %.1f MB", float64(size)/1e6)
	if size > 35_000_000 {
		t.Errorf("the image holds %d bytes, want at most 35 MB", size)
	}
}

// contained is a program in a root file system that nobody can write to, as a user.
func contained(t *testing.T, root, user string, env []string, args ...string) *exec.Cmd {
	t.Helper()
	script := `set -e
mount --bind "$1" "$1"
mount -o remount,bind,ro "$1"
if touch "$1/file" 2>/dev/null; then echo "it can be written to" >&2; exit 1; fi
root=$1 user=$2
shift 2
exec chroot --userspec="$user" "$root" "$@"`
	cmd := exec.CommandContext(t.Context(), kit.Need(t, "unshare"), append([]string{"--mount", "sh", "-c", script, "sh", root, user}, args...)...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, env...)
	return cmd
}
