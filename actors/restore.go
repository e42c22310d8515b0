package actors

import (
	"context"
	"errors"

	"chanmqttproxy/actors/placement"
	"chanmqttproxy/messages"
)

// restored is the outcome of reading the stored subscriptions at the start.
type restored struct {
	result
	env      *env
	follower *follower
	messages.Restored
}

// errNoRegistry is why a slot waits before it starts: without the registry it would drop what its
// session brings.
var errNoRegistry = errors.New("session slot 0 has not stored the subscriptions yet")

// do reads what is stored, and finds out whether there are several slots. If so, the mirror reads
// the tables.
func (m *restored) do(ctx context.Context) (err error) {
	d := m.env
	if m.Restored, err = d.Layer.Restore(ctx); err != nil || d.Slot < 0 {
		return err
	}
	if d.Slot == 0 {
		if err = m.storeLayout(ctx); err != nil || !m.Several {
			return err
		}
	}
	d.mirror.join(m.follower)
	if err = d.mirror.sync(ctx, max(d.Slot+1, d.Layout.Sessions, d.Layout.Before)); err != nil {
		return err
	}
	d.mirror.read(func(v *placement.View) {
		if !v.Loaded() || v.Epoch().Number == 0 {
			err = errNoRegistry
		}
	})
	m.Restored = messages.Restored{Several: true}
	return err
}

// storeLayout stores the layouts that count, if Redis has lost them, with what else the mirror
// knows of the registry. It notes whether there are several slots.
func (m *restored) storeLayout(ctx context.Context) error {
	found := len(m.Epochs) > 0
	m.Epochs, m.Several = placement.First(m.Epochs, m.env.Layout)
	if found && !m.Lost {
		return nil
	}
	changes := []messages.Change{{Epochs: m.Epochs}}
	m.env.mirror.read(func(v *placement.View) {
		if v.Loaded() {
			changes, m.Several = v.Registry(), true
		}
	})
	_, err := m.env.Layer.Write(ctx, changes)
	return err
}
