package kit

import (
	"fmt"
	"os/exec"
	"testing"
)

// rumqttdProgram is where test/run puts rumqttd, below the user's cache.
const rumqttdProgram = "rumqttd-0.20.0/bin/kit-rumqttd"

// Rumqttd starts a rumqttd whose port speaks one version of MQTT alone, 5 or
// 3.1.1. It keeps nothing over Kill, Stop and Start, and is gone when the test
// ends.
func Rumqttd(t testing.TB, version5 bool) *BrokerServer {
	t.Helper()
	full(t, "rumqttd")
	program, dir := cached(t, "rumqttd", rumqttdProgram), serverDir(t, "rumqttd")
	version := "v4"
	if version5 {
		version = "v5"
	}
	return runBroker(t, "rumqttd", func(port int) func() *exec.Cmd {
		config := writeFile(t, dir, "rumqttd.toml", fmt.Sprintf(`
id = 0
[router]
id = 0
max_connections = 10010
max_outgoing_packet_count = 200
max_segment_size = 104857600
max_segment_count = 10
[%[1]s.1]
name = "kit"
listen = "127.0.0.1:%[2]d"
next_connection_delay_ms = 1
[%[1]s.1.connections]
connection_timeout_ms = 60000
max_payload_size = 1048576
max_inflight_count = 100
dynamic_filters = true
`, version, port))
		return func() *exec.Cmd { return exec.Command(program, "-c", config) }
	})
}
