package layer

import (
	"strings"

	"chanmqttproxy/messages"
)

// destination is what the calls of one Send write to.
type destination struct {
	target  messages.Target
	key     string
	kind    string   // the script's word
	members []string // of the one queue; a group's script finds them
	extra   int      // entries of the layer's own in each message
	tail    []byte   // their bytes, behind each message; a group's script adds the names
}

// destination finds what a target, or one queue of it, means in Redis.
func (c *Client) destination(t messages.Target, only *messages.Queue) destination {
	d := destination{target: t, key: c.keys.queue(t.Name), kind: "queue", members: []string{t.Name}}
	switch {
	case t.Kind == messages.Group:
		d.extra, d.tail = 1, appendStr(nil, asgiChannel)
		if only == nil {
			d.kind, d.key, d.members = "group", c.keys.group(t.Name), nil
			break
		}
		d.key, d.members = c.keys.prefix+only.Name, only.Members
		d.tail = appendArrayHead(d.tail, len(only.Members))
		for _, name := range only.Members {
			d.tail = appendAnyText(d.tail, name)
		}
	case strings.Contains(t.Name, "!"):
		d.extra, d.tail = 1, appendAnyText(appendStr(nil, asgiChannel), t.Name)
	}
	return d
}

// queue is a queue that refused, with the members that the script told of.
func (d destination) queue(name string, names []any) messages.Queue {
	q := messages.Queue{Name: name, Members: d.members}
	for _, n := range names {
		member, _ := n.(string)
		q.Members = append(q.Members, member)
	}
	return q
}
