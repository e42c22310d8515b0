package release_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/test/kit"
)

// machine is a folder that a package is installed into as into a system of its own: it
// has a shell, and what scripts of packages may ask for.
type machine struct {
	*testing.T
	root   string
	before []string
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	if os.Geteuid() != 0 {
		kit.Missing(t, "packages are installed as root only")
	}
	m := &machine{T: t, root: t.TempDir()}
	m.mkdir("bin", "etc", "dev", "tmp", "var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/rpm")
	m.bring("busybox", "systemd-sysusers")
	if err := os.Symlink(kit.Need(t, "busybox"), m.path("bin", "sh")); err != nil {
		t.Fatal(err)
	}
	m.write("etc/passwd", "root:x:0:0:root:/:/bin/sh\n")
	m.write("etc/group", "root:x:0:\n")
	m.write("etc/shadow", "root:*:::::::\n")
	m.write("etc/gshadow", "root:*::\n")
	m.write("etc/.pwd.lock", "")
	m.write("var/lib/dpkg/status", "")
	m.before = m.files()
	return m
}

// bring copies programs of this machine, and the libraries that they load.
func (m *machine) bring(programs ...string) {
	m.Helper()
	for _, program := range programs {
		path := kit.Need(m, program)
		files := []string{path}
		if libraries, err := exec.CommandContext(m.Context(), "ldd", path).Output(); err == nil { // else it is static
			files = append(files, regexp.MustCompile(`/\S+`).FindAllString(string(libraries), -1)...)
		}
		must(m.T, "/", "cp", append([]string{"--parents", "--dereference", "--target-directory", m.root}, files...)...)
	}
}

func (m *machine) path(parts ...string) string {
	return filepath.Join(append([]string{m.root}, parts...)...)
}

func (m *machine) mkdir(names ...string) {
	m.Helper()
	for _, name := range names {
		if err := os.MkdirAll(m.path(name), 0o755); err != nil {
			m.Fatal(err)
		}
	}
}

func (m *machine) write(name, content string) {
	m.Helper()
	if err := os.WriteFile(m.path(name), []byte(content), 0o600); err != nil {
		m.Fatal(err)
	}
}

func (m *machine) read(name string) string {
	m.Helper()
	content, err := os.ReadFile(m.path(name))
	if err != nil {
		m.Fatal(err)
	}
	return string(content)
}

// files are all of the machine, without what the packages' managers note.
func (m *machine) files() (list []string) {
	m.Helper()
	err := filepath.WalkDir(m.root, func(path string, e os.DirEntry, err error) error {
		name := strings.TrimPrefix(path, m.root)
		if strings.HasPrefix(name, "/var/lib/") {
			return filepath.SkipDir
		}
		if err == nil && !e.IsDir() && !strings.HasPrefix(name, "/dev/") {
			list = append(list, name)
		}
		return err
	})
	if err != nil {
		m.Fatal(err)
	}
	return list
}

// left are the files that were not there before anything was installed.
func (m *machine) left() (list []string) {
	for _, name := range m.files() {
		if !slices.Contains(m.before, name) && !strings.HasSuffix(name, "-") { // copies of /etc/passwd
			list = append(list, name)
		}
	}
	return list
}

// wantVersion wants the installed program to be of a version.
func (m *machine) wantVersion(version string) {
	m.Helper()
	if said := must(m.T, m.root, "chroot", m.root, "/usr/bin/chanmqttproxy", "version"); !strings.HasPrefix(said, "chanmqttproxy v"+version+" ") {
		m.Errorf("installed is %s, want %s", said, version)
	}
}

// wantLeft wants exactly these files to be left.
func (m *machine) wantLeft(when string, want ...string) {
	m.Helper()
	if got := m.left(); !slices.Equal(got, want) {
		m.Errorf("after %s there are %q, want %q", when, got, want)
	}
}

const (
	settings = "/etc/chanmqttproxy/chanmqttproxy.env"
	unit     = "/usr/lib/systemd/system/chanmqttproxy.service"
)

// configure puts the addresses of servers into the file of settings.
func (m *machine) configure(redis *kit.RedisServer, broker *kit.MosquittoServer) (content string) {
	m.Helper()
	content = m.read(settings)
	if !strings.Contains(content, "\n#MQTT_HOST=localhost\n") {
		m.Errorf("the file of settings is %.300q", content)
	}
	content += "REDIS_URL=" + redis.URL() + "\nMQTT_HOST=" + broker.Addr() + "\n"
	m.write(settings, content)
	return content
}

// start runs the command of the unit, as its user, with its settings.
func (m *machine) start() *kit.Process {
	m.Helper()
	set := map[string]string{}
	for line := range strings.Lines(m.read(unit)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		set[key] = value
	}
	words := strings.Fields(set["ExecStart"])
	cmd := exec.Command(kit.Need(m, "chroot"), append([]string{"--userspec=" + set["User"] + ":" + set["User"], m.root}, words...)...)
	for line := range strings.Lines(m.read(strings.TrimPrefix(set["EnvironmentFile"], "-"))) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			cmd.Env = append(cmd.Env, line)
		}
	}
	return kit.Start(m, "the installed worker", cmd)
}

// works wants the installed worker to bring a message from a broker into Redis.
func (m *machine) works(redis *kit.RedisServer, broker *kit.MosquittoServer) {
	m.Helper()
	worker := m.start()
	brings(m.T, redis, broker)
	worker.Stop(time.Minute)
}

// brings wants whatever worker runs there to bring a message from a broker into Redis.
func brings(t *testing.T, redis *kit.RedisServer, broker *kit.MosquittoServer) {
	t.Helper()
	site, device := kit.NewConsumer(t, redis.Addr(), "house"), kit.NewDevice(t, broker.Addr())
	site.Ask(time.Minute, kit.Subscribe("house/lamp", "house", 1))
	device.Publish("house/lamp", 1, "on").Wait()
	kit.Eventually(t, time.Minute, "the message comes", func() bool {
		return slices.ContainsFunc(site.Events(), func(e messages.Map) bool {
			topic, _ := e.Get("topic")
			return topic == "house/lamp"
		})
	})
}

// wantPackaged wants all that a package brings.
func (m *machine) wantPackaged(notices string, more ...string) {
	m.Helper()
	want := append([]string{settings, "/usr/bin/chanmqttproxy", unit, "/usr/lib/sysusers.d/chanmqttproxy.conf", notices,
		"/usr/share/man/man1/chanmqttproxy.1.gz", "/usr/share/bash-completion/completions/chanmqttproxy",
		"/usr/share/fish/vendor_completions.d/chanmqttproxy.fish"}, more...)
	if slices.Sort(want); !slices.Equal(m.left(), want) {
		m.Errorf("installed are %q, want %q", m.left(), want)
	}
	info, err := os.Stat(m.path(settings))
	if err != nil || info.Mode().Perm() != 0o600 {
		m.Errorf("who may read the settings: %v, %v", info.Mode(), err)
	}
	if !strings.Contains(m.read("etc/passwd"), "chanmqttproxy:") {
		m.Error("there is no user")
	}
	kit.WantNotices(m, m.path("usr/bin/chanmqttproxy"), m.path(notices))
	must(m.T, m.root, "gzip", "--test", m.path("usr/share/man/man1/chanmqttproxy.1.gz"))
}

// TestDeb installs the Debian package, has the worker work, upgrades and removes it.
func TestDeb(t *testing.T) {
	t.Parallel()
	m, redis, broker := newMachine(t), kit.Redis(t), kit.Mosquitto(t)
	dpkg := func(args ...string) { must(t, m.root, "dpkg", append([]string{"--root=" + m.root}, args...)...) }
	dpkg("--install", artifact(t, older, ".deb"))
	m.wantVersion(older)
	m.wantPackaged("/usr/share/doc/chanmqttproxy/copyright", "/usr/share/zsh/vendor-completions/_chanmqttproxy")
	changed := m.configure(redis, broker)
	m.works(redis, broker)
	dpkg("--install", artifact(t, newer, ".deb"))
	m.wantVersion(newer)
	if m.read(settings) != changed {
		t.Error("an upgrade takes the settings away")
	}
	m.works(redis, broker)
	dpkg("--remove", "chanmqttproxy")
	m.wantLeft("its removal", settings)
	dpkg("--purge", "chanmqttproxy")
	m.wantLeft("its purge")
}

// TestRpm does the same with the other package.
func TestRpm(t *testing.T) {
	t.Parallel()
	m, redis, broker := newMachine(t), kit.Redis(t), kit.Mosquitto(t)
	rpm := func(args ...string) {
		// The shell of this machine is in no package.
		must(t, m.root, "rpm", append([]string{"--root=" + m.root, "--dbpath=/var/lib/rpm", "--nodeps"}, args...)...)
	}
	rpm("--install", artifact(t, older, ".rpm"))
	m.wantVersion(older)
	m.wantPackaged("/usr/share/licenses/chanmqttproxy/NOTICES.txt", "/usr/share/zsh/site-functions/_chanmqttproxy")
	changed := m.configure(redis, broker)
	m.works(redis, broker)
	rpm("--upgrade", artifact(t, newer, ".rpm"))
	m.wantVersion(newer)
	if m.read(settings) != changed {
		t.Error("an upgrade takes the settings away")
	}
	m.works(redis, broker)
	rpm("--erase", "chanmqttproxy")
	m.wantLeft("its removal", settings+".rpmsave")
}
