package kit

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// natsProgram is where test/run puts nats-server, below the user's cache.
const natsProgram = "nats-server-v2.15.3/nats-server"

// Nats starts a nats-server with JetStream and MQTT, with further lines in the
// mqtt block of its configuration if any ("max_ack_pending: 100"). It speaks 3.1.1.
// It is gone when the test ends.
func Nats(t testing.TB, lines ...string) *BrokerServer {
	t.Helper()
	program, dir := cached(t, "nats-server", natsProgram), serverDir(t, "nats")
	return runBroker(t, "nats-server", func(port int) func() *exec.Cmd {
		config := writeFile(t, dir, "nats.conf", fmt.Sprintf(`
server_name: kit
listen: 127.0.0.1:-1
jetstream { store_dir: %q }
mqtt {
  listen: "127.0.0.1:%d"
  %s
}
`, dir, port, strings.Join(lines, "\n  ")))
		return func() *exec.Cmd { return exec.Command(program, "-c", config) }
	})
}
