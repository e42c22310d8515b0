// Package deploy_test checks the files of this folder against the programs that
// read them, and against the worker.
package deploy_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"chanmqttproxy/runtime/config"
	"chanmqttproxy/test/kit"
)

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func parse(t *testing.T, path string, into any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(read(t, path)), into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

func command(t *testing.T, program string, args ...string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), kit.Need(t, program), args...).CombinedOutput()
	if err != nil || strings.Contains(string(out), "WARN") {
		t.Errorf("%s %q: %v\n%s", program, args, err, out)
	}
}

// TestUnit has systemd read the unit, and say how much it could do to the machine
// if it were taken over: 0 to 100.
func TestUnit(t *testing.T) {
	t.Parallel()
	unit := read(t, "systemd/chanmqttproxy.service")
	if !strings.Contains(unit, "ExecStart=/usr/local/bin/chanmqttproxy run\n") {
		t.Error("the unit does not run the worker")
	}
	path := filepath.Join(t.TempDir(), "chanmqttproxy.service")
	installed := strings.ReplaceAll(unit, "/usr/local/bin/chanmqttproxy", "/bin/true")
	if err := os.WriteFile(path, []byte(installed), 0o600); err != nil {
		t.Fatal(err)
	}
	command(t, "systemd-analyze", "verify", path)
	command(t, "systemd-analyze", "security", "--offline=true", "--threshold=15", "--no-pager", path)
}

func TestAlerts(t *testing.T) {
	t.Parallel()
	command(t, "promtool", "check", "rules", "prometheus/alerts.yaml")
}

// TestCredentialsOfUnit: the secrets that the unit may pass are ones.
func TestCredentialsOfUnit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	good := map[string]string{
		"redis_url":      "redis://a",
		"channel_layers": `{"default": {"BACKEND": "channels_redis.core.RedisChannelLayer"}}`,
	}
	for _, found := range regexp.MustCompile(`(?m)^#LoadCredential=(\w+):`).FindAllStringSubmatch(read(t, "systemd/chanmqttproxy.service"), -1) {
		if err := os.WriteFile(filepath.Join(dir, found[1]), []byte(good[found[1]]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := config.Load(config.Input{Environ: []string{"MQTT_USER=u", "CREDENTIALS_DIRECTORY=" + dir}}); err != nil {
		t.Error(err)
	}
}

// load reads an environment, in which everything has to be a setting. Secrets in
// files are on another machine.
func load(t *testing.T, environment map[string]string) *config.Config {
	t.Helper()
	var environ []string
	for name, value := range environment {
		if strings.HasSuffix(name, "_FILE") {
			path := filepath.Join(t.TempDir(), "secret")
			if err := os.WriteFile(path, []byte("redis://secret"), 0o600); err != nil {
				t.Fatal(err)
			}
			value = path
		}
		environ = append(environ, name+"="+value)
	}
	c, err := config.Load(config.Input{Environ: environ})
	if err != nil {
		t.Fatal(err)
	}
	for name := range environment {
		if c.Source(strings.TrimSuffix(name, "_FILE")) != config.Environment {
			t.Errorf("%s is no setting", name)
		}
	}
	return c
}

func TestCompose(t *testing.T) {
	t.Parallel()
	var compose struct {
		Services map[string]struct {
			Build           struct{ Dockerfile string }
			Environment     map[string]string
			StopGracePeriod string `yaml:"stop_grace_period"`
		}
	}
	parse(t, "docker/compose.yaml", &compose)
	worker := compose.Services["worker"]
	read(t, filepath.Join("../..", worker.Build.Dockerfile))
	c := load(t, worker.Environment)
	if grace, err := time.ParseDuration(worker.StopGracePeriod); err != nil || grace <= c.ShutdownTimeout {
		t.Errorf("it is killed after %s, and may take %v to stop", worker.StopGracePeriod, c.ShutdownTimeout)
	}
}

func TestDashboard(t *testing.T) {
	t.Parallel()
	var dashboard struct {
		Panels []struct {
			ID      int
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal([]byte(read(t, "grafana/dashboard.json")), &dashboard); err != nil {
		t.Fatal(err)
	}
	var ids []int
	for _, p := range dashboard.Panels {
		if slices.Contains(ids, p.ID) || len(p.Targets) == 0 {
			t.Errorf("panel %q has an ID of another, or shows nothing", p.Title)
		}
		ids = append(ids, p.ID)
	}
}
