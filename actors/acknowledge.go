package actors

import (
	"context"
	"errors"

	"chanmqttproxy/actors/commands"
)

// acknowledged is one call of Layer.Acknowledge and Layer.AddDeadLetters. Afterwards Round is
// what failed.
type acknowledged struct {
	result
	env *env
	commands.Round
}

// do makes the calls. One does not depend on the other.
func (m *acknowledged) do(ctx context.Context) error {
	var ack, moved error
	if len(m.Receipts) > 0 {
		ack = m.env.protect("acknowledging commands", func() error { return m.env.Layer.Acknowledge(ctx, m.Receipts) })
	}
	if len(m.DeadLetters) > 0 {
		moved = m.env.protect("moving commands to the dead letters", func() error { return m.env.Layer.AddDeadLetters(ctx, m.DeadLetters) })
	}
	if ack == nil {
		m.Receipts = nil
	}
	if moved == nil {
		m.DeadLetters = nil
	}
	return errors.Join(ack, moved)
}
