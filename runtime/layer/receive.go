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
	// Fault says what is wrong with a message that cannot be understood, and
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

// Receive waits until the command channel holds something and takes at most
// limit messages, oldest first; what a dead or closed predecessor left in flight
// comes before all else: the first call waits for that, at most a little longer
// than a lease. They stay in Redis until Acknowledge. It returns at once when ctx
// ends; what was being taken then comes with the next call. Calls wait for each
// other. Errors are *messages.LayerFailure.
//
// With several hosts all are read at the same time. A host that fails is logged
// and tried again, and does not hold up the others; it is an error when all fail.
func (c *Client) Receive(ctx context.Context, limit int) ([]Message, error) {
	for {
		list, err := c.receive(ctx, limit)
		if err != nil {
			return nil, err
		}
		if list, err = c.dropOld(ctx, list); err != nil || len(list) > 0 {
			return list, err
		}
	}
}

func (c *Client) receive(ctx context.Context, limit int) ([]Message, error) {
	if len(c.servers) > 1 {
		return c.receiveAll(ctx, limit)
	}
	s := c.servers[0]
	members, err := s.reader.receive(ctx, limit)
	if err != nil {
		return nil, s.failure("reading channel "+c.config.Channel, err)
	}
	return c.open(s, members), nil
}

// dropOld takes away what the slots of older workers have said to each other.
func (c *Client) dropOld(ctx context.Context, list []Message) ([]Message, error) {
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
func (c *Client) open(s *server, members []string) []Message {
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
func (c *Client) behindPrefix(member string) string {
	return member[min(len(member), *c.config.RandomPrefixLength):]
}

// body is what a member says, without the layer's own entry, and whether that names
// a slot.
func (c *Client) body(member string) (body messages.Map, ofSlot bool, err error) {
	prefix := *c.config.RandomPrefixLength
	if len(member) < prefix {
		return nil, false, fmt.Errorf("a message of %d bytes: shorter than the %d that come before a body", len(member), prefix)
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
