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
}

// Receive waits until the command channel holds something and takes at most
// limit messages, oldest first; what a dead or closed predecessor left in flight
// comes before all else: the first call waits for that, at most a little longer
// than a lease. They stay in Redis until Acknowledge. It returns at once when ctx
// ends; what was being taken then comes with the next call. Calls wait for each
// other. Errors are *messages.LayerFailure.
func (c *Client) Receive(ctx context.Context, limit int) ([]Message, error) {
	members, err := c.reader.receive(ctx, limit)
	if err != nil {
		return nil, c.failure("reading channel "+c.config.Channel, err)
	}
	list := make([]Message, len(members))
	for i, member := range members {
		list[i] = open(member)
	}
	return list, nil
}

// open takes a member apart. Its first bytes mean nothing.
func open(member string) Message {
	m := Message{Receipt: messages.Receipt(member)}
	if len(member) < prefixLength {
		m.Fault = fmt.Errorf("a message of %d bytes: shorter than the %d that come before a body", len(member), prefixLength)
		return m
	}
	body, err := DecodeMessage(member[prefixLength:])
	if err != nil {
		m.Fault = err
		return m
	}
	m.Body = body[:0]
	for _, p := range body {
		if p.Key != asgiChannel {
			m.Body = append(m.Body, p)
		}
	}
	return m
}
