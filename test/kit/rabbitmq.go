package kit

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// RabbitMQServer is a real rabbitmq-server of the test's own with its MQTT
// plugin. It is slow to start: share one between subtests.
type RabbitMQServer struct {
	addr string
}

// rabbitScript is where Debian keeps the program itself; the one in the PATH
// changes the user and drops the environment.
const rabbitScript = "/usr/lib/rabbitmq/bin/rabbitmq-server"

// RabbitMQ starts a rabbitmq-server, with a node name, files, ports and a port
// mapper of its own. It is gone when the test ends.
func RabbitMQ(t testing.TB) *RabbitMQServer {
	t.Helper()
	script := Need(t, "rabbitmq-server")
	if _, err := os.Stat(rabbitScript); err == nil {
		script = rabbitScript
	}
	dir := rabbitDir(t)
	mqtt, mapper := FreePort(t), FreePort(t)
	files := map[string]string{
		"plugins":       "[rabbitmq_mqtt].\n",
		"rabbitmq.conf": fmt.Sprintf("mqtt.listeners.tcp.1 = 127.0.0.1:%d\nmqtt.allow_anonymous = true\n", mqtt),
		"advanced":      "[].\n",
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatalf("writing RabbitMQ's configuration: %v", err)
		}
	}
	epmd := Start(t, "epmd", exec.Command(Need(t, "epmd"), "-address", "127.0.0.1", "-port", fmt.Sprint(mapper)))
	if !Answers(fmt.Sprintf("127.0.0.1:%d", mapper), epmd.Ended(), 10*time.Second) {
		t.Fatalf("epmd did not start:\n%s", epmd.Output())
	}
	cmd := exec.Command(script)
	cmd.Dir = dir
	cmd.Env = append(withoutRabbit(os.Environ()),
		"HOME="+dir,
		fmt.Sprintf("ERL_EPMD_PORT=%d", mapper),
		fmt.Sprintf("RABBITMQ_NODENAME=kit%d@localhost", mqtt),
		"RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-start_epmd false",
		"RABBITMQ_NODE_IP_ADDRESS=127.0.0.1",
		fmt.Sprintf("RABBITMQ_NODE_PORT=%d", FreePort(t)),
		fmt.Sprintf("RABBITMQ_DIST_PORT=%d", FreePort(t)),
		"RABBITMQ_MNESIA_BASE="+dir,
		"RABBITMQ_LOG_BASE="+dir,
		"RABBITMQ_LOGS=-",
		"RABBITMQ_CONF_ENV_FILE="+filepath.Join(dir, "none"),
		"RABBITMQ_CONFIG_FILE="+filepath.Join(dir, "rabbitmq.conf"),
		"RABBITMQ_ENABLED_PLUGINS_FILE="+filepath.Join(dir, "plugins"),
	)
	process := startGroup(t, "rabbitmq-server", cmd)
	r := &RabbitMQServer{addr: fmt.Sprintf("127.0.0.1:%d", mqtt)}
	if !Answers(r.addr, process.Ended(), 90*time.Second) {
		t.Fatalf("rabbitmq-server did not start:\n%s", process.Output())
	}
	return r
}

// rabbitDir is a directory that may still be written to while it is removed.
func rabbitDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "kit-rabbitmq-")
	if err != nil {
		t.Fatalf("making RabbitMQ's directory: %v", err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// startGroup is Start for a script with children: they are killed with it.
func startGroup(t testing.TB, name string, cmd *exec.Cmd) *Process {
	t.Helper()
	// setsid becomes the script, as the leader of a process group.
	cmd.Path, cmd.Args = Need(t, "setsid"), append([]string{"setsid"}, cmd.Args...)
	p := Start(t, name, cmd)
	t.Cleanup(func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	return p
}

func withoutRabbit(environ []string) []string {
	var kept []string
	for _, e := range environ {
		if !strings.HasPrefix(e, "RABBITMQ_") && !strings.HasPrefix(e, "HOME=") {
			kept = append(kept, e)
		}
	}
	return kept
}

// Addr is "127.0.0.1:port".
func (r *RabbitMQServer) Addr() string { return r.addr }

// URL is mqtt://127.0.0.1:port.
func (r *RabbitMQServer) URL() *url.URL {
	return &url.URL{Scheme: "mqtt", Host: r.addr}
}
