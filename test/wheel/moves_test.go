package wheel_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"chanmqttproxy/test/kit"
)

// TestMoves: the site's settings lead to other kinds of Redis and brokers.
func TestMoves(t *testing.T) {
	t.Parallel()
	redis := kit.Redis(t)
	sentinel, _ := kit.Sentinel(t, redis)
	bin, plain, old := programs(t), kit.Mosquitto(t), kit.Nats(t)
	certificate, key := kit.Certificate(t)
	secure := kit.Mosquitto(t, "certfile "+certificate, "keyfile "+key)
	site := unchanged(t, bin, "SITE_REDIS_PORT="+port(t, redis.Addr()), "SITE_MQTT_HOST="+plain.Addr())
	for name, settings := range map[string]string{
		"version 5":          "MQTT_VERSION = 50\n",
		"fall-back to 3.1.1": fmt.Sprintf("MQTT_VERSION = 50\nMQTT_HOST = %q\n", old.Addr()),
		"pub/sub":            "CHANNEL_LAYERS['default']['BACKEND'] = 'channels_redis.pubsub.RedisPubSubChannelLayer'\n",
		"Sentinel": fmt.Sprintf("CHANNEL_LAYERS['default']['CONFIG']['hosts'] = [{'sentinels': [('127.0.0.1', %s)], 'master_name': %q}]\n",
			port(t, sentinel.Addr()), kit.SentinelMaster),
		"TLS": fmt.Sprintf("MQTT_HOST = 'mqtts://%s'\nfrom pathlib import Path\nCHANMQTTPROXY = {'MQTT_TLS_CA': Path(%q)}\n",
			secure.Addr(), certificate),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			site := *site
			site.t = t
			moved := site.with("INSTALLED_APPS = ['daphne', 'chanmqttproxy', 'channels', 'chat']\n" + settings)
			if code, out := moved.run("runmqtt", "--check"); code != 0 {
				t.Errorf("runmqtt --check exited with %d:\n%s", code, out)
			}
			worker := moved.manage("runmqtt")
			prints(t, worker, connected)
			prints(t, worker, "reading commands from Redis")
			worker.Signal(syscall.SIGHUP) // it reads the settings once more
			prints(t, worker, "configuration reloaded")
			interrupt(t, worker)
		})
	}
}

const noLayer = "CHANNEL_LAYERS = {}\n"

// TestBadSettings: each is one clear error and exit code 2.
func TestBadSettings(t *testing.T) {
	t.Parallel()
	bin := programs(t)
	for settings, want := range map[string]string{
		"MQTT_PORT = 'high'\n": `MQTT_PORT (othersettings): "high" is not a whole number`,
		noLayer:                "CHANNEL_LAYERS has no layer called 'default'",
		"CHANMQTTPROXY = {'MQTT_KEEPALIVE': object}\n": `CHANMQTTPROXY["MQTT_KEEPALIVE"]: a Python object`,
	} {
		for _, app := range []string{"", "'chanmqttproxy', "} {
			if app == "" && settings == noLayer {
				continue // Channels' own command says so itself
			}
			site := unchanged(t, bin).with("INSTALLED_APPS = ['daphne', " + app + "'channels', 'chat']\n" + settings)
			code, out := site.run("runworker", "mqtt")
			if code != 2 || !strings.Contains(out, want) || strings.Contains(out, "Traceback") {
				t.Errorf("runworker mqtt with %s: exit code %d, want the sentence %s\n%s", app+settings, code, want, out)
			}
		}
	}
}

// TestMatrix runs the package's own tests on the oldest and the newest of all that it is
// for; MATRIX=full: on all combinations, with servers.
func TestMatrix(t *testing.T) {
	t.Parallel()
	oldest := []string{"Django==4.2", "channels==4.0", "channels_redis==4.0", "redis<6"}
	newestOf := []string{"Django", "channels", "channels_redis"}
	runs := map[string][]string{"3.10": oldest, "3.13": newestOf}
	if os.Getenv("MATRIX") != "full" {
		t.Log("NOT TESTED: what is between the oldest and the newest; MATRIX=full runs all combinations")
	}
	pythons := kit.Pythons("3.10", "3.11", "3.12", "3.13")
	for version, packages := range runs {
		suite(t, pythons, version, packages, false)
	}
	if os.Getenv("MATRIX") != "full" {
		return
	}
	for _, version := range []string{"3.10", "3.11", "3.12", "3.13"} {
		for _, django := range []string{"4.2", "5.2", "6.0"} {
			for _, channels := range []string{"4.0", "4.3"} {
				if django == "6.0" && version < "3.12" || django == "4.2" && version == "3.13" {
					continue // Django says so itself
				}
				packages := []string{"Django~=" + django + ".0", "channels~=" + channels + ".0", "channels_redis~=" + channels + ".0"}
				suite(t, pythons, version, packages, true)
			}
		}
	}
}

// suite runs the package's own tests; with servers also those that need some.
func suite(t *testing.T, pythons map[string]string, version string, packages []string, servers bool) {
	t.Run(version+" "+strings.Join(packages, " "), func(t *testing.T) {
		t.Parallel()
		if pythons[version] == "" {
			kit.Missing(t, "no Python %s on this machine", version)
		}
		var env []string
		if servers {
			packages = append(packages, "celery", "gunicorn", "paho-mqtt", "psycopg[binary]")
			env = []string{"REAL=core", "TEST_REDIS_URL=" + kit.Redis(t).URL(), "TEST_POSTGRES_URL=" + kit.Postgres(t).URL()}
		}
		bin := kit.FreshPython(t, t.TempDir(), pythons[version], append(packages, "pytest", "cryptography")...)
		cmd := exec.Command(bin+"/python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "../../runtime/python/tests")
		cmd.Env = append(append(os.Environ(), "PATH="+bin+":/usr/bin:/bin:/usr/sbin"), env...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("pytest: %v\n%s", err, out)
		}
		t.Logf("%s", out)
	})
}
