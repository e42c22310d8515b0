package actors

import "chanmqttproxy/messages"

// load is what commands under way weigh.
type load struct {
	commands int
	bytes    int64
}

// commandCopies is how often a command is held while it is under way: as Redis has it,
// by which it is acknowledged, and as what was understood of it.
const commandCopies = 2

// add takes one more command in.
func (l *load) add(r messages.Receipt) {
	l.commands++
	l.bytes += commandCopies * int64(len(r))
}

func (l load) less(other load) load {
	return load{l.commands - other.commands, l.bytes - other.bytes}
}

// room is how many further commands may be taken; 0: none, whatever their sizes.
// Memory is exceeded by what one answer of Redis holds, at most.
func (l load) room(window int, memory int64) int {
	if l.bytes >= memory {
		return 0
	}
	return max(0, window-l.commands)
}
