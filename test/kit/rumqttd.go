package kit

import (
	"fmt"
	"net/url"
	"os/exec"
	"testing"
)

// rumqttdProgram is where test/run puts rumqttd, below the user's cache.
const rumqttdProgram = "rumqttd-0.20.0/bin/kit-rumqttd"

// RumqttdServer is a rumqttd, which has a port for MQTT 5 alone, that of
// BrokerServer, and another one for 3.1.1 alone.
type RumqttdServer struct {
	*BrokerServer
	port311 int
}

// Rumqttd starts a rumqttd. It keeps nothing over Kill, Stop and Start, and is gone
// when the test ends.
func Rumqttd(t testing.TB) *RumqttdServer {
	t.Helper()
	full(t, "rumqttd")
	program, dir := cached(t, "rumqttd", rumqttdProgram), serverDir(t, "rumqttd")
	r := &RumqttdServer{}
	r.BrokerServer = runBroker(t, "rumqttd", func(port int) func() *exec.Cmd {
		r.port311 = FreePort(t)
		config := writeFile(t, dir, "rumqttd.toml", fmt.Sprintf(rumqttdConfig, port, r.port311))
		return func() *exec.Cmd { return exec.Command(program, config) }
	})
	return r
}

// Addr311 is "127.0.0.1:port" of the port for 3.1.1.
func (r *RumqttdServer) Addr311() string { return fmt.Sprintf("127.0.0.1:%d", r.port311) }

// URL311 is mqtt://127.0.0.1:port of that port.
func (r *RumqttdServer) URL311() *url.URL { return &url.URL{Scheme: "mqtt", Host: r.Addr311()} }

const rumqttdConfig = `
id = 0
[router]
id = 0
max_connections = 10010
max_outgoing_packet_count = 200
max_segment_size = 104857600
max_segment_count = 10
[v5.1]
name = "five"
listen = "127.0.0.1:%d"
next_connection_delay_ms = 1
[v5.1.connections]
connection_timeout_ms = 60000
max_payload_size = 1048576
max_inflight_count = 100
dynamic_filters = true
[v4.1]
name = "three"
listen = "127.0.0.1:%d"
next_connection_delay_ms = 1
[v4.1.connections]
connection_timeout_ms = 60000
max_payload_size = 1048576
max_inflight_count = 100
dynamic_filters = true
`
