package e2e_test

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"chanmqttproxy/test/kit"
)

// file is a worker's configuration file.
type file struct {
	t    *testing.T
	path string
}

func newFile(t *testing.T, lines ...string) file {
	f := file{t, filepath.Join(t.TempDir(), "c.yaml")}
	f.write(lines...)
	return f
}

func (f file) write(lines ...string) {
	f.t.Helper()
	if err := os.WriteFile(f.path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// worker starts a worker with the file.
func (f file) worker(redis string, broker *url.URL, environ ...string) *kit.WorkerProcess {
	return kit.Worker(f.t, append(environ, "LOG_FORMAT=text", "MQTT_HOST="+broker.String(), fmt.Sprintf(
		`CHANNEL_LAYERS={"default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [%q], "capacity": 10000}}}`,
		redis)), "run", "--config", f.path)
}

// hangUp sends SIGHUP and waits for what the worker says then, once more than before.
func hangUp(t *testing.T, w *kit.WorkerProcess, says string) {
	t.Helper()
	before := strings.Count(w.Output(), says)
	w.Signal(syscall.SIGHUP)
	kit.Eventually(t, 20*time.Second, "the worker says "+says, func() bool { return strings.Count(w.Output(), says) > before })
}

const reloaded = "configuration reloaded"

// whole checks that nothing of the traffic is missing.
func (f *traffic) whole(t *testing.T) {
	t.Helper()
	f.end()
	in, out := f.inbound.Load(), f.outbound.Load()
	var heard []string
	kit.Eventually(t, 30*time.Second, "everything has come", func() bool {
		heard = nil
		for _, h := range f.device.Heard() {
			heard = append(heard, h.Payload)
		}
		lostIn, _ := lost(f.in.all(), in)
		lostOut, _ := lost(heard, out)
		return lostIn+lostOut == 0
	})
	if _, ordered := lost(f.in.all(), in); !ordered {
		t.Error("out of order: in")
	}
	if _, ordered := lost(heard, out); !ordered {
		t.Error("out of order: out")
	}
}

// A reload under load loses nothing, and what can change does, in one session and in
// several.
func TestReload(t *testing.T) {
	t.Parallel()
	for _, sessions := range []string{"1", "3"} {
		t.Run(sessions, func(t *testing.T) {
			t.Parallel()
			testReload(t, "MQTT_SESSIONS="+sessions)
		})
	}
}

func testReload(t *testing.T, environ ...string) {
	t.Helper()
	redis, broker := kit.Redis(t), kit.Mosquitto(t)
	c := newFile(t, "subscriptions: [{topic: old/#, group: static, qos: 1}]")
	w := c.worker(redis.URL(), broker.URL(), append(environ, "MQTT_USERNAME=ignored")...)
	f := flow(t, redis, broker)
	site := kit.NewDjango(t, redis.Addr())
	site.Join("static")
	static := read(t, site)
	reaches(t, f.device, "old/a", static)

	c.write("subscriptions: [{topic: new/#, group: static, qos: 1}]", "log_level: debug", "mqtt_allow_publish: out/#", "command_window: 7")
	hangUp(t, w, reloaded)
	reaches(t, f.device, "new/a", static)
	logs(t, w, "settings=COMMAND_WINDOW")
	hangUp(t, w, "did you mean MQTT_USER?")
	logs(t, w, "level=DEBUG")
	site.Send(kit.Publish("other/a", "x", 1))
	logs(t, w, "a command was not allowed")
	if !f.device.Publish("old/a", 1, "late").WaitTimeout(time.Minute) {
		t.Fatal("publishing to old/a: no acknowledgement in a minute")
	}
	reaches(t, f.device, "new/b", static)
	for _, p := range static.all() {
		if p == "late" {
			t.Error("a subscription that left the file is still there")
		}
	}

	// What is faulty changes nothing.
	c.write("subscriptions: [{topic: a/#/b, group: static}]", "log_lewel: info")
	hangUp(t, w, "was not reloaded")
	logs(t, w, "did you mean log_level?")
	reaches(t, f.device, "new/c", static)
	c.write() // as an editor leaves it for a moment
	hangUp(t, w, "the file is empty")
	reaches(t, f.device, "new/d", static)

	for i := range 10 {
		c.write(fmt.Sprintf("subscriptions: [{topic: new/#, group: static, qos: %d}, {topic: more/%d, group: static}]", i%3, i), "mqtt_allow_subscribe: [new/#, more/#, in/#]")
		hangUp(t, w, reloaded)
	}
	f.flows(t)
	f.whole(t)
	w.Stop()
}

// copied puts the content of files, one behind the other, in the place of another.
func copied(t *testing.T, to string, from ...string) {
	t.Helper()
	var all []byte
	for _, path := range from {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, content...)
	}
	if err := os.WriteFile(to, all, 0o600); err != nil {
		t.Fatal(err)
	}
}

// Certificates and authorities that are rotated are taken without a message lost, by
// connections on either side that know their peer by them alone. No reload is needed.
func TestRotatedCertificates(t *testing.T) {
	t.Parallel()
	cert, key := kit.Certificate(t)
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	copied(t, at("ca.pem"), cert)
	for _, who := range []string{"server", "worker"} {
		copied(t, at(who+".pem"), cert)
		copied(t, at(who+".key"), key)
	}
	secured, securedRedis := strconv.Itoa(kit.FreePort(t)), strconv.Itoa(kit.FreePort(t))
	redis := kit.Redis(t, "--tls-port", securedRedis, "--tls-cert-file", at("server.pem"), "--tls-key-file", at("server.key"), "--tls-ca-cert-file", at("ca.pem"))
	broker := kit.Mosquitto(t, "listener "+secured+" 127.0.0.1", "cafile "+at("ca.pem"), "certfile "+at("server.pem"), "keyfile "+at("server.key"),
		"require_certificate true", "tls_version tlsv1.2")
	c := newFile(t, "mqtt_tls_ca: "+at("ca.pem"), "mqtt_tls_cert: "+at("worker.pem"), "mqtt_tls_key: "+at("worker.key"))
	w := c.worker("rediss://127.0.0.1:"+securedRedis+"?ssl_ca_certs="+at("ca.pem")+"&ssl_certfile="+at("worker.pem")+"&ssl_keyfile="+at("worker.key"),
		&url.URL{Scheme: "mqtts", Host: net.JoinHostPort("127.0.0.1", secured)})
	f := flow(t, redis, broker)
	restart := func() {
		broker.Restart()
		f.flows(t)
		redis.Restart()
		f.flows(t)
	}

	// As one rotates: who is trusted, then the servers, then the worker; and who is not
	// trusted any more. Each step is good with those before it.
	next, nextKey := kit.Certificate(t)
	copied(t, at("ca.pem"), cert, next)
	restart() // the servers know the next
	copied(t, at("server.pem"), next)
	copied(t, at("server.key"), nextKey)
	restart() // and are it
	copied(t, at("worker.pem"), next)
	copied(t, at("worker.key"), nextKey)
	copied(t, at("ca.pem"), next)
	restart() // nobody is the old one
	f.whole(t)
	w.Stop()
}
