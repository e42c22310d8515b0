package layer

import (
	"context"
	"fmt"

	"chanmqttproxy/messages"
)

// Message is one message of the command channel.
type Message struct {
	Receipt messages.Receipt
	// Body is the message without the layer's own entry; nil with a Fault.
	Body messages.Map
	// Fault says what is wrong with a message that cannot be decoded, and
	// how long it is. It is to be acknowledged like any other, or it comes back.
	Fault error
	// Head, with a Fault, holds those of the entries type, reply_channel and id
	// that can be read all the same, and are text.
	Head messages.Map
	// ofOldSlot: a session slot of an older worker said it to another, whose channel it
	// names in the layer's own entry, as a text. channels_redis writes that entry of a
	// general channel as a list or not at all.
	ofOldSlot bool
}

// dropOld takes away what the slots of older workers have said to each other.
func (c *Core) dropOld(ctx context.Context, list []Message) ([]Message, error) {
	var gone []messages.Receipt
	rest := list[:0]
	for _, m := range list {
		if m.ofOldSlot {
			gone = append(gone, m.Receipt)
		} else {
			rest = append(rest, m)
		}
	}
	if len(gone) == 0 {
		return list, nil
	}
	c.log.Debug("dropped what session slots of older workers have said to each other", "messages", len(gone))
	if err := c.Acknowledge(ctx, gone); err != nil && len(rest) == 0 {
		return nil, err
	}
	return rest, nil
}

// open takes members apart. Their first bytes mean nothing.
func (c *Core) open(s *server, members []string) []Message {
	list := make([]Message, len(members))
	for i, member := range members {
		list[i] = Message{Receipt: c.receipt(s, member)}
		if list[i].Body, list[i].ofOldSlot, list[i].Fault = c.body(member); list[i].Fault != nil {
			list[i].Head = c.codec.head(c.behindPrefix(member))
		}
	}
	return list
}

// behindPrefix is the body of a member that may be too short to have one.
func (c *Core) behindPrefix(member string) string {
	return member[min(len(member), *c.config.RandomPrefixLength):]
}

// body is what a member says, without the layer's own entry, and whether that names
// a slot.
func (c *Core) body(member string) (body messages.Map, ofSlot bool, err error) {
	prefix := *c.config.RandomPrefixLength
	if len(member) < prefix {
		return nil, false, fmt.Errorf("a message of %d bytes: shorter than the %d bytes of its header", len(member), prefix)
	}
	whole, err := c.codec.decode(member[prefix:])
	if err != nil {
		return nil, false, err
	}
	body = whole[:0]
	for _, p := range whole {
		if p.Key != asgiChannel {
			body = append(body, p)
			continue
		}
		name, _ := p.Value.(string)
		ofSlot = c.keys.ofSlots(name)
	}
	return body, ofSlot, nil
}
