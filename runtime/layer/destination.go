package layer

import (
	"strings"

	"chanmqttproxy/messages"
)

// destination is what the calls of one Send write to.
type destination struct {
	target   messages.Target
	server   *server
	key      string
	kind     string // the script's word
	capacity int
	members  []string // of the one queue; a group's script finds them
	extra    int      // entries of the layer's own in each message
	tail     []byte   // their bytes, behind each message; a group's script adds the names
}

// destination returns what a target is in Redis, if one call can write to all of it: a channel,
// one queue of a group, or a whole group of a simple layer. The stamp spreads what goes to a
// general channel over the hosts.
func (c *Core) destination(t messages.Target, only *messages.Queue, stamp uint64) destination {
	if t.Kind == messages.Group {
		return c.groupDestination(t, only)
	}
	queue := messages.NonLocal(t.Name)
	d := destination{
		target: t, server: c.on(queue), key: c.keys.queue(t.Name), kind: "queue",
		capacity: c.config.capacityOf(t.Name), members: []string{t.Name}, tail: c.codec.noTail(),
	}
	if strings.Contains(t.Name, "!") {
		d.extra, d.tail = 1, c.codec.channelTail(t.Name)
	} else {
		d.server = c.servers[stamp%uint64(len(c.servers))]
	}
	return d
}

func (c *Core) groupDestination(t messages.Target, only *messages.Queue) destination {
	d := destination{target: t, extra: 1}
	if only == nil {
		d.server, d.kind, d.key = c.on(t.Name), "group", c.keys.group(t.Name)
		d.capacity, d.tail = c.config.Capacity, appendStr(nil, asgiChannel)
		return d
	}
	d.server, d.kind, d.key = c.on(only.Name), "queue", c.keys.prefix+only.Name
	d.members, d.tail = only.Members, c.codec.membersTail(only.Members)
	d.capacity = c.config.Capacity
	if len(only.Members) > 0 {
		d.capacity = c.config.capacityOf(only.Members[0]) // as channels_redis does
	}
	return d
}

// queue is a queue that refused, with the members that the script named.
func (d destination) queue(name string, names []any) messages.Queue {
	q := messages.Queue{Name: name, Members: d.members}
	for _, n := range names {
		member, _ := n.(string)
		q.Members = append(q.Members, member)
	}
	return q
}
