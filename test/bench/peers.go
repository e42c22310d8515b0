package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"chanmqttproxy/test/kit"
)

// A peer is what a site can use to speak MQTT. Each does the same: what comes from the
// broker goes to a group, and commands of the channel "mqtt" are published. How the others
// do it is in python/.
type peer struct {
	name      string // of the result lines
	program   string // of the virtual environment, with its arguments; "": this worker
	asgi      string // the site's application
	byCommand bool   // it subscribes at a command; else it is to have subscribed to bench/#
}

var peers = []peer{
	{name: "worker", byCommand: true},
	{name: "chanmqttproxy 0.1", program: "python -m django runworker mqtt", asgi: "peer_package", byCommand: true},
	{name: "mqttasgi 2.0.0", program: "mqttasgi peer_mqttasgi:application", asgi: "peer_mqttasgi"},
	{name: "twenty lines of paho", program: "python test/bench/python/peer_lines.py"},
}

const (
	peersVenv = "test/bench/python/peers.txt"
	// peerRate is how many messages a second are sent where it is not as many as possible.
	peerRate = 200
)

// peerScenarios are what each peer is measured at. Those with arguments are the load generator's.
var peerScenarios = []scenario{
	{name: "peers-in", args: "inbound -qos 1", timed: true},
	{name: "peers-out", args: "outbound -qos 1", timed: true},
	{name: "peers-latency", args: fmt.Sprint("latency -qos 1 -rate ", peerRate)},
	{name: "peers-burst"},
	{name: "peers-restart"},
}

// measurePeers measures those of the peers whose names begin so, each with fresh servers.
func measurePeers(ctx context.Context, o options, only string) error {
	r, err := newRig(ctx, o)
	defer r.close()
	if err != nil {
		return err
	}
	venv, err := installVenv(ctx, peersVenv)
	if err != nil {
		return err
	}
	for rep := range o.reps {
		for _, s := range peerScenarios {
			for _, p := range peers {
				if !begins(p.name, only) {
					continue
				}
				once := func() (map[string]float64, error) { return r.measurePeer(p, s, venv) }
				if err := r.quietly(s.name, p.name, rep, once); err != nil {
					return fmt.Errorf("%s of %s: %w", s.name, p.name, err)
				}
			}
		}
	}
	return nil
}

// A peerRig is a peer with servers of its own.
type peerRig struct {
	*rig   // with their ports
	t      *bench
	peer   peer
	redis  *kit.RedisServer
	mqtt   *kit.MosquittoServer
	output func() string // what the peer wrote
}

// olderAddress is where mosquitto listens too, for the older package: it knows only this port.
const olderAddress = "127.18.83.1"

// startPeer starts servers and the peer.
func (r *rig) startPeer(t *bench, p peer, venv string) (*peerRig, *exec.Cmd, error) {
	s := &peerRig{t: t, peer: p, output: func() string { return "" }}
	s.redis = kit.Redis(t, "--appendonly", "no")
	s.mqtt = kit.Mosquitto(t, "listener 1883 "+olderAddress)
	own := *r
	_, own.redis, _ = net.SplitHostPort(s.redis.Addr())
	_, own.mqtt, _ = net.SplitHostPort(s.mqtt.Addr())
	own.pids = fmt.Sprintf("redis=%d,mosquitto=%d", s.redis.PID(), s.mqtt.PID())
	s.rig = &own
	if p.program == "" {
		cmd, err := own.start(0)
		t.Cleanup(func() { stop(cmd) })
		return s, cmd, err
	}
	words := strings.Fields(p.program)
	cmd := exec.CommandContext(r.ctx, filepath.Join(venv, "bin", words[0]), words[1:]...)
	cmd.Env = peerEnvironment("test/bench/python", p.asgi, s.redis, s.mqtt)
	s.output = kit.Start(t, p.name, cmd).Output
	return s, cmd, nil
}

// peerEnvironment is that of a peer in Python, whose scripts are in the folder.
func peerEnvironment(folder, asgi string, redis *kit.RedisServer, mqtt *kit.MosquittoServer) []string {
	_, port, _ := net.SplitHostPort(mqtt.Addr())
	return append(os.Environ(), "PYTHONPATH="+folder, "DJANGO_SETTINGS_MODULE=peersettings", "PYTHONDONTWRITEBYTECODE=1",
		"BENCH_ASGI="+asgi+".application", "REDIS_URL="+redis.URL(), "MQTT_HOST="+olderAddress, "MQTT_PORT="+port,
		// How mqttasgi comes back after a restart of the broker: by default it gives up, or is
		// not subscribed any more.
		"MQTT_HOSTNAME=127.0.0.1", "MQTT_RETRIES=0", "MQTT_CLEAN=False", "MQTT_CLIENT_ID=peer")
}

// measurePeer measures one peer at one thing.
func (r *rig) measurePeer(p peer, c scenario, venv string) (map[string]float64, error) {
	return withKit(func(t *bench) (map[string]float64, error) {
		s, cmd, err := r.startPeer(t, p, venv)
		switch {
		case err != nil:
			return nil, err
		case c.args != "":
			return s.withOutput(s.load(c, cmd))
		default:
			return s.withOutput(s.ofTraffic(c.name))
		}
	})
}

// withOutput adds what the peer wrote to an error.
func (s *peerRig) withOutput(figures map[string]float64, err error) (map[string]float64, error) {
	if err != nil {
		output := s.output()
		err = fmt.Errorf("%w; the peer wrote:\n%s", err, output[max(0, len(output)-4000):])
	}
	return figures, err
}
