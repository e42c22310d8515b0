package actors

import (
	"context"
	"errors"

	"chanmqttproxy/actors/commands"
)

// acknowledged is one round of Layer.Acknowledge and Layer.Bury; as its outcome, what is
// left to be done and why.
type acknowledged struct {
	result
	env *env
	commands.Round
}

// do tells the layer, leaves what is still to be told, and returns why. One part does not
// depend on the other.
func (m *acknowledged) do(ctx context.Context) error {
	var ack, bury error
	if len(m.Receipts) > 0 {
		ack = m.env.protect("acknowledging commands", func() error { return m.env.Layer.Acknowledge(ctx, m.Receipts) })
	}
	if len(m.Burials) > 0 {
		bury = m.env.protect("burying commands", func() error { return m.env.Layer.Bury(ctx, m.Burials) })
	}
	if ack == nil {
		m.Receipts = nil
	}
	if bury == nil {
		m.Burials = nil
	}
	return errors.Join(ack, bury)
}
