package kit

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// rabbitScript is where Debian keeps the program itself; the one in the PATH
// changes the user and drops the environment.
const rabbitScript = "/usr/lib/rabbitmq/bin/rabbitmq-server"

// RabbitMQ starts a rabbitmq-server with its MQTT plugin, a node name, files, ports
// and a port mapper of its own. It speaks 3.1.1. It is slow to start: share one
// between subtests. Lines are further ones of its configuration. It is gone when the
// test ends.
func RabbitMQ(t testing.TB, lines ...string) *BrokerServer {
	t.Helper()
	script := Need(t, "rabbitmq-server")
	if _, err := os.Stat(rabbitScript); err == nil {
		script = rabbitScript
	}
	dir, mapper := serverDir(t, "rabbitmq"), FreePort(t)
	epmd := Start(t, "epmd", exec.Command(Need(t, "epmd"), "-address", "127.0.0.1", "-port", fmt.Sprint(mapper)))
	if !Answers(fmt.Sprintf("127.0.0.1:%d", mapper), epmd.Ended(), waitLimit) {
		t.Fatalf("epmd did not start:\n%s", epmd.Output())
	}
	return runBroker(t, "rabbitmq-server", func(port int) func() *exec.Cmd {
		env := append(withoutRabbit(os.Environ()),
			"HOME="+dir,
			fmt.Sprintf("ERL_EPMD_PORT=%d", mapper),
			fmt.Sprintf("RABBITMQ_NODENAME=kit%d@localhost", port),
			"RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-start_epmd false",
			"RABBITMQ_NODE_IP_ADDRESS=127.0.0.1",
			fmt.Sprintf("RABBITMQ_NODE_PORT=%d", FreePort(t)),
			fmt.Sprintf("RABBITMQ_DIST_PORT=%d", FreePort(t)),
			"RABBITMQ_MNESIA_BASE="+dir,
			"RABBITMQ_LOG_BASE="+dir,
			"RABBITMQ_LOGS=-",
			"RABBITMQ_CONF_ENV_FILE="+filepath.Join(dir, "none"),
			"RABBITMQ_CONFIG_FILE="+writeFile(t, dir, "rabbitmq.conf",
				fmt.Sprintf("mqtt.listeners.tcp.1 = 127.0.0.1:%d\nmqtt.allow_anonymous = true\n", port)+strings.Join(lines, "\n")+"\n"),
			"RABBITMQ_ENABLED_PLUGINS_FILE="+writeFile(t, dir, "plugins", "[rabbitmq_mqtt].\n"),
		)
		return func() *exec.Cmd {
			cmd := exec.Command(script)
			cmd.Dir, cmd.Env = dir, env
			return cmd
		}
	})
}

// RabbitMQCtl runs rabbitmqctl for a server that RabbitMQ started, and returns what it
// prints.
func RabbitMQCtl(t testing.TB, server *BrokerServer, args ...string) string {
	t.Helper()
	cmd := server.command()
	cmd.Args = append([]string{filepath.Join(filepath.Dir(cmd.Path), "rabbitmqctl")}, args...)
	cmd.Path = cmd.Args[0]
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("rabbitmqctl %s: %v\n%s%s", strings.Join(args, " "), err, out, said.String())
	}
	return string(out)
}

// RabbitMQReader writes definitions with one user, who may read the topics whose routing
// keys ("ok.1" for ok/1) match the expression and no others, and write all. It returns
// the line of a configuration that has them loaded.
func RabbitMQReader(t testing.TB, user, password, readable string) string {
	t.Helper()
	salt := "salt"
	sum := sha256.Sum256([]byte(salt + password))
	everything := map[string]any{"user": user, "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"}
	definitions, err := json.Marshal(map[string]any{
		"vhosts":            []any{map[string]any{"name": "/"}},
		"users":             []any{map[string]any{"name": user, "tags": "", "password_hash": append([]byte(salt), sum[:]...), "hashing_algorithm": "rabbit_password_hashing_sha256"}},
		"permissions":       []any{everything},
		"topic_permissions": []any{map[string]any{"user": user, "vhost": "/", "exchange": "amq.topic", "write": ".*", "read": readable}},
	})
	if err != nil {
		t.Fatalf("writing RabbitMQ's definitions: %v", err)
	}
	return "load_definitions = " + writeFile(t, t.TempDir(), "definitions.json", string(definitions))
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
