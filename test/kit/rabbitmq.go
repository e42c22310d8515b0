package kit

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// rabbitScript is where Debian keeps the program itself; the one in the PATH
// changes the user and drops the environment.
const rabbitScript = "/usr/lib/rabbitmq/bin/rabbitmq-server"

// RabbitMQ starts a rabbitmq-server with its MQTT plugin, a node name, files, ports
// and a port mapper of its own. It speaks 3.1.1. It is slow to start: share one
// between subtests. It is gone when the test ends.
func RabbitMQ(t testing.TB) *BrokerServer {
	t.Helper()
	script := Need(t, "rabbitmq-server")
	if _, err := os.Stat(rabbitScript); err == nil {
		script = rabbitScript
	}
	dir, mapper := serverDir(t, "rabbitmq"), FreePort(t)
	epmd := Start(t, "epmd", exec.Command(Need(t, "epmd"), "-address", "127.0.0.1", "-port", fmt.Sprint(mapper)))
	if !Answers(fmt.Sprintf("127.0.0.1:%d", mapper), epmd.Ended(), 10*time.Second) {
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
				fmt.Sprintf("mqtt.listeners.tcp.1 = 127.0.0.1:%d\nmqtt.allow_anonymous = true\n", port)),
			"RABBITMQ_ENABLED_PLUGINS_FILE="+writeFile(t, dir, "plugins", "[rabbitmq_mqtt].\n"),
		)
		return func() *exec.Cmd {
			cmd := exec.Command(script)
			cmd.Dir, cmd.Env = dir, env
			return cmd
		}
	})
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
