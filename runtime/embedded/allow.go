package embedded

import (
	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// allow lets everybody do everything; without such a hook nobody may do
// anything.
type allow struct{ mqtt.HookBase }

// ID names the hook.
func (allow) ID() string { return "allow" }

// Provides names the two questions that the hook answers.
func (allow) Provides(question byte) bool {
	return question == mqtt.OnConnectAuthenticate || question == mqtt.OnACLCheck
}

// OnConnectAuthenticate lets everybody in.
func (allow) OnConnectAuthenticate(*mqtt.Client, packets.Packet) bool { return true }

// OnACLCheck lets everybody publish and subscribe everywhere.
func (allow) OnACLCheck(*mqtt.Client, string, bool) bool { return true }
