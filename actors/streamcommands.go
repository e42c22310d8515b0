package actors

import (
	"slices"

	"chanmqttproxy/messages"
)

// streamCommands are the commands that the slot of the streams carries out. That slot has no
// commands actor: that of the first slot answers and acknowledges them. It keeps each until it is
// done, and sends it again when the slot of the streams starts anew.
type streamCommands struct {
	deps   *env
	open   []messages.Execute // in their order
	up     bool               // the slot runs
	bridge Ref[messages.ToBridge]
	router Ref[messages.ToRouter]
	store  Ref[messages.ToStore]
}

func newStreamCommands(deps *env) streamCommands {
	to := newRefs(deps.system, messages.StreamSlot)
	return streamCommands{deps: deps, bridge: to.bridge, router: to.router, store: to.store}
}

// add passes on a command, or starts the slot.
func (s *streamCommands) add(m messages.Execute) {
	s.open = append(s.open, m)
	if s.up {
		s.router.Tell(m)
	} else {
		s.deps.OpenStreams()
	}
}

// done forgets a command.
func (s *streamCommands) done(receipt messages.Receipt) {
	s.open = slices.DeleteFunc(s.open, func(m messages.Execute) bool { return m.Receipt == receipt })
}

// state notes whether the slot runs. When it has started it gets the state of Redis, and the
// commands.
func (s *streamCommands) state(up, layer bool) {
	s.up = up
	s.layer(layer)
	for _, m := range s.open {
		if !up {
			s.deps.OpenStreams()
			return
		}
		s.router.Tell(m)
	}
}

// layer reports whether Redis is there.
func (s *streamCommands) layer(up bool) {
	if s.up {
		s.bridge.Tell(messages.LayerState{Up: up})
		s.store.Tell(messages.LayerState{Up: up})
	}
}

// stay is how many commands stay in Redis for the next worker when this one stops.
func (s *streamCommands) stay() int {
	if s.up {
		return 0
	}
	return len(s.open)
}
