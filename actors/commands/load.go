package commands

import "chanmqttproxy/messages"

// Load is what commands under way weigh: how many there are, and the bytes of memory that
// they are taken to occupy.
type Load struct {
	Commands int
	Bytes    int64
}

// commandCopies is how often a command is held while it is under way: as Redis has it,
// by which it is acknowledged, and as it was decoded.
const commandCopies = 2

// add takes one more command in.
func (l *Load) add(r messages.Receipt) {
	l.Commands++
	l.Bytes += commandCopies * int64(len(r))
}

func (l Load) less(other Load) Load {
	return Load{l.Commands - other.Commands, l.Bytes - other.Bytes}
}

// Room is how many further commands may be taken, where window may be under way; 0: none,
// whatever their sizes. Memory is exceeded by what one answer of Redis holds, at most.
func (l Load) Room(window int, memory int64) int {
	if l.Bytes >= memory {
		return 0
	}
	return max(0, window-l.Commands)
}
