package kit

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"
)

// Amqtt starts an amqtt, a broker in Python. It speaks 3.1.1, and does not keep
// anything over Kill, Stop and Start. It is gone when the test ends.
func Amqtt(t testing.TB) *BrokerServer {
	t.Helper()
	program := filepath.Join(Venv(t, filepath.Join(root(), "test", "brokers", "amqtt.txt")), "bin", "amqtt")
	if _, err := exec.LookPath(program); err != nil {
		Missing(t, "no amqtt: run test/run, which installs it (%v)", err)
	}
	dir := serverDir(t, "amqtt")
	return runBroker(t, "amqtt", func(port int) func() *exec.Cmd {
		config := writeFile(t, dir, "amqtt.yaml", fmt.Sprintf(`
listeners:
  default: {type: tcp, bind: "127.0.0.1:%d"}
plugins:
  amqtt.plugins.authentication.AnonymousAuthPlugin: {allow_anonymous: true}
`, port))
		return func() *exec.Cmd { return exec.Command(program, "-c", config) }
	})
}
