package handlers_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chanmqttproxy/test/kit"
)

// site is the Django site of ./site, whose handlers write into PostgreSQL.
type site struct {
	t        *testing.T
	redis    *kit.RedisServer
	broker   *kit.MosquittoServer
	postgres *kit.PostgresServer
	env      []string
	dir      string
}

// newSite starts the servers and makes the tables.
func newSite(t *testing.T, env ...string) *site {
	t.Helper()
	s := &site{
		t: t, redis: kit.Redis(t, "--appendfsync", "always"), broker: kit.Mosquitto(t), postgres: kit.Postgres(t),
		dir: filepath.Join(here(t), "site"),
	}
	port := s.postgres.URL()[strings.LastIndex(s.postgres.URL(), ":")+1:]
	port, _, _ = strings.Cut(port, "/")
	program := kit.Binary(t)
	bin := t.TempDir()
	if err := os.Symlink(program, filepath.Join(bin, "chanmqttproxy")); err != nil {
		t.Fatal(err)
	}
	s.env = append([]string{
		"PATH=" + bin + ":/usr/bin:/bin", "HOME=" + t.TempDir(), "PYTHONDONTWRITEBYTECODE=1", "PYTHONUNBUFFERED=1",
		"PYTHONPATH=" + filepath.Join(filepath.Dir(filepath.Dir(here(t))), "runtime", "python", "src"),
		"REDIS_URL=" + s.redis.URL(), "BROKER=" + s.broker.Addr(), "POSTGRES_PORT=" + port, "LOG_FORMAT=text",
	}, env...)
	if out, err := s.command("manage.py", "migrate", "--verbosity", "0").CombinedOutput(); err != nil {
		t.Fatalf("manage.py migrate: %v\n%s", err, out)
	}
	return s
}

func here(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func (s *site) command(args ...string) *exec.Cmd {
	s.t.Helper()
	cmd := exec.Command(kit.SitePython(s.t), args...)
	cmd.Dir, cmd.Env = s.dir, s.env
	return cmd
}

// manage starts a command of manage.py that stays.
func (s *site) manage(args ...string) *kit.Process {
	s.t.Helper()
	return kit.Start(s.t, strings.Join(args, " "), s.command(append([]string{"manage.py"}, args...)...))
}

// worker starts the worker alone.
func (s *site) worker() *kit.WorkerProcess {
	s.t.Helper()
	return kit.Worker(s.t, []string{"LOG_FORMAT=text", "MQTT_HOST=" + s.broker.Addr(), "REDIS_URL=" + s.redis.URL()}, "run")
}

// lines are the rows of the handlers for a topic, in the order of their commits.
func (s *site) lines(topic string) []string {
	s.t.Helper()
	return strings.Fields(s.postgres.Query("SELECT number FROM ledger_line WHERE topic = '" + topic + "' ORDER BY id"))
}

// prints waits until a process has written a text.
func prints(t *testing.T, p *kit.Process, text string) {
	t.Helper()
	kit.Eventually(t, time.Minute, "it prints "+text, func() bool { return strings.Contains(p.Output(), text) })
}
