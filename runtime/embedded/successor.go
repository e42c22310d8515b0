package embedded

import (
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// successionTimeout is how long a client waits for the end of the one before it. It is
// less than clients wait for an answer.
const successionTimeout = 5 * time.Second

// succession has a client wait until nothing is left of an earlier one with its id whose
// session ends with its connection [MQTT-3.1.2-23]. Else mochi 2.7.9 may give the session
// to the newer client, although it was to be dropped, and then remove the newer one from
// its clients along with it: it deletes by client id, after it has looked whether the
// session was taken over.
type succession struct {
	mqtt.HookBase
	server *mqtt.Server
}

// ID names the hook.
func (*succession) ID() string { return "succession" }

// Provides names what the hook listens to.
func (*succession) Provides(event byte) bool { return event == mqtt.OnConnect }

// OnConnect is called before the session is looked for.
func (s *succession) OnConnect(cl *mqtt.Client, _ packets.Packet) error {
	before, ok := s.server.Clients.Get(cl.ID)
	if !ok || !endsWithConnection(before) {
		return nil
	}
	_ = s.server.DisconnectClient(before, packets.ErrSessionTakenOver) // [MQTT-3.1.4-3]
	for deadline := time.Now().Add(successionTimeout); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if now, ok := s.server.Clients.Get(cl.ID); !ok || now != before {
			return nil
		}
	}
	// It failed before it was served, and nobody else will remove it.
	s.server.UnsubscribeClient(before)
	s.server.Clients.Delete(cl.ID)
	return nil
}

// endsWithConnection: the session does.
func endsWithConnection(cl *mqtt.Client) bool {
	if cl.Properties.ProtocolVersion == 5 {
		return cl.Properties.Props.SessionExpiryInterval == 0
	}
	return cl.Properties.Clean
}
