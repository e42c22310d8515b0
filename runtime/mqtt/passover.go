package mqtt

import (
	"log/slog"

	"chanmqttproxy/messages"
)

// passOver logs why the next server of MQTT_HOST is tried, once for each kind of failure since the last
// connection to this one. The caller logs the failure of the last server.
func (s *server) passOver(log *slog.Logger, f *messages.ConnectionFailure) {
	if s.passed[f.Kind()] {
		return
	}
	if s.passed == nil {
		s.passed = map[string]bool{}
	}
	s.passed[f.Kind()] = true
	log.Warn("cannot use this server of MQTT_HOST; trying the next one", "broker", address(s.url), "cause", f.Kind(), "error", f)
}
