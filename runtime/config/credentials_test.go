package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"chanmqttproxy/runtime/config"
)

// credentials makes the directory in which systemd passes secrets and returns
// the variable that names it.
func credentials(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o400); err != nil {
			t.Fatal(err)
		}
	}
	return "CREDENTIALS_DIRECTORY=" + dir
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	variable := credentials(t, map[string]string{"mqtt_password": secret + "\n", "redis_url": "redis://:" + secret + "@a:1", "of-others": "x"})
	file := write(t, "c.yaml", "mqtt_user: u\nmqtt_password: other\n")
	c := must(t, []string{variable}, "--config="+file)
	if c.Broker.Password != secret || c.Source("MQTT_PASSWORD") != config.Credential || c.Layer.Hosts[0].Redis.Addr != "a:1" {
		t.Errorf("password %q from %v, redis at %s", c.Broker.Password, c.Source("MQTT_PASSWORD"), c.Layer.Hosts[0].Redis.Addr)
	}
	if got := c.YAML(); !strings.Contains(got, "# mqtt_password (systemd credential)") || strings.Contains(got, secret) {
		t.Errorf("it is printed as\n%s", got)
	}
	if c = must(t, []string{variable, "MQTT_PASSWORD=stronger"}, "--config="+file); c.Broker.Password != "stronger" {
		t.Errorf("the environment did not win: %v", c.Source("MQTT_PASSWORD"))
	}
}

func TestStrangeCredentials(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"mqtt_pasword": "mqtt_pasword (systemd credential): no such secret; did you mean mqtt_password?",
		"mqtt_host":    "mqtt_host (systemd credential): not a secret",
	} {
		if _, err := load(t, []string{credentials(t, map[string]string{name: secret})}); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
	if _, err := load(t, []string{"CREDENTIALS_DIRECTORY=/nowhere"}); err == nil {
		t.Error("a directory that is not there was taken")
	}
}
