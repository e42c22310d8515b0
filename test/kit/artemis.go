package kit

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"
)

// artemisProgram is where test/run puts Artemis, below the user's cache.
const artemisProgram = "artemis-2.40.0/apache-artemis-2.40.0/bin/artemis"

// Artemis starts an Apache ActiveMQ Artemis, which speaks MQTT 5 and 3.1.1. It is
// slow to start: share one between subtests. It is gone when the test ends.
func Artemis(t testing.TB) *BrokerServer {
	t.Helper()
	full(t, "Artemis")
	Need(t, "java")
	program, dir := cached(t, "Artemis", artemisProgram), serverDir(t, "artemis")
	return runBroker(t, "artemis", func(port int) func() *exec.Cmd {
		instance := filepath.Join(dir, fmt.Sprint(port))
		out, err := exec.Command(program, "create", instance, "--silent", "--force",
			"--host", "127.0.0.1", "--user", "kit", "--password", "kit", "--allow-anonymous",
			"--nio", "--no-autotune", "--no-web", "--java-memory", "512M",
			"--no-amqp-acceptor", "--no-hornetq-acceptor", "--no-stomp-acceptor", "--no-mqtt-acceptor",
			"--default-port", fmt.Sprint(port)).CombinedOutput()
		if err != nil {
			t.Fatalf("making an instance of Artemis: %v\n%s", err, out)
		}
		return func() *exec.Cmd { return exec.Command(filepath.Join(instance, "bin", "artemis"), "run") }
	})
}
