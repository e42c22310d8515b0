package actors_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
)

// TestAnythingAtRandom: whatever happens, each command is answered once and done,
// each delivery is acknowledged, and nothing is left.
func TestAnythingAtRandom(t *testing.T) {
	t.Parallel()
	for seed := range uint64(25) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			c := &chance{Rand: rand.New(rand.NewPCG(seed, 1))}
			run(t, c.prepare, func(b *bundle) {
				c.bundle = b
				for range 200 {
					c.step()
				}
				c.heal()
				c.check()
			})
		})
	}
}

// chance does anything.
type chance struct {
	*rand.Rand
	*bundle
	receipts []messages.Receipt
}

var (
	anyFilter = []string{"a", "a/#", "a/+", "#", "a/b", "+/b"}
	anyTopic  = []string{"a", "a/b", "c/b", "a/c"}
	anyTarget = []messages.Target{alerts, lobby, {Kind: messages.Channel, Name: "specific.x!1"}}
)

func pick[T any](c *chance, list []T) T { return list[c.IntN(len(list))] }

// unhurried is a connection whose answers take a while.
type unhurried struct{ actors.Conn }

func (u unhurried) Subscribe(ctx context.Context, filters []messages.Desired) ([]byte, error) {
	time.Sleep(time.Duration(len(filters)%3) * 10 * time.Millisecond)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return u.Conn.Subscribe(ctx, filters)
}

func (u unhurried) Unsubscribe(ctx context.Context, filters []string) error {
	time.Sleep(10 * time.Millisecond)
	return u.Conn.Unsubscribe(ctx, filters)
}

func (c *chance) prepare(b *bundle, o *actors.Options) {
	tabs(3)(b, o)
	o.Version = pick(c, []messages.Version{messages.MQTT5, messages.MQTT5, messages.MQTT311})
	o.StatusGroup = "watchers"
	o.MQTT = &brokerHook{Broker: b.broker, dialed: func(s actors.Conn, _ actors.Sink) actors.Conn { return unhurried{s} }}
	for _, topic := range anyTopic {
		b.broker.Retain(message(topic, "kept"))
	}
}

func (c *chance) step() {
	switch n := c.IntN(20); {
	case n < 12:
		c.receipts = append(c.receipts, c.layer.Put(c.command(n, answerTo(fmt.Sprint(len(c.receipts))))))
	case n < 13:
		c.respondToAny()
	case n < 16 && c.broker.Connected():
		m := message(pick(c, anyTopic), "live")
		m.QoS = byte(1 + c.IntN(2))
		c.broker.Send(m)
	case n < 17:
		c.trouble()
	case n < 18:
		c.pass(time.Duration(c.IntN(300)) * time.Millisecond)
	case n < 19:
		c.pass(time.Duration(c.IntN(10_000)) * time.Duration(1+19*c.IntN(2)) * time.Millisecond) // subscriptions come to rest
	default:
		c.settle()
	}
}

// command is one of any kind, by a number below 12.
func (c *chance) command(n int, reply messages.ReplyTo) messages.Command {
	filter := pick(c, anyFilter)
	switch {
	case n < 4:
		s := subscribe(filter, pick(c, anyTarget))
		s.Options = messages.Options{QoS: byte(c.IntN(3)), NoLocal: c.IntN(4) == 0, MinInterval: time.Duration(c.IntN(3)) * 300 * time.Millisecond}
		s.ReplyTo = reply
		return s
	case n < 7:
		s := forRecipient(filter, c.IntN(3))
		s.ReplyTo = reply
		return s
	case n < 9:
		return messages.UnsubscribeCommand{Filter: filter, Targets: anyTarget[:1+c.IntN(3)], ReplyTo: reply}
	case n < 10:
		p := publish("out")
		p.ReplyTo = reply
		return p
	case n < 11:
		return request(reply.ID, time.Duration(1+c.IntN(5))*time.Second)
	default:
		return messages.StatusCommand{ReplyTo: reply}
	}
}

// respondToAny answers the last publish, if it was a request.
func (c *chance) respondToAny() {
	if sent := c.broker.Published(); len(sent) > 0 && c.broker.Connected() {
		if p := sent[len(sent)-1].Message.Properties; p != nil {
			c.broker.Send(message(p.ResponseTopic, "42"))
		}
	}
}

func (c *chance) trouble() {
	switch n := c.IntN(6); {
	case n == 0 && c.broker.Connected():
		c.broker.Drop(pick(c, []messages.Cause{messages.Network, messages.ProtocolRefused, messages.ProtocolUnclear}))
	case n == 1:
		c.broker.Refuse(func(messages.Version) error { return errors.New("away") })
	case n < 4:
		c.broker.Refuse(nil)
	default:
		c.layer.Away(n == 4)
	}
	c.layer.Stick(pick(c, anyTarget), c.IntN(3) == 0)
	c.layer.Stick(asker, c.IntN(6) == 0)
	c.layer.Room(tab(c.IntN(3)), c.IntN(20))
}

// heal ends all trouble, and has everybody leave.
func (c *chance) heal() {
	c.broker.Refuse(nil)
	c.layer.Away(false)
	for i, target := range append(anyTarget, asker) {
		c.layer.Stick(target, false)
		c.layer.Room(tab(i), 10_000)
	}
	c.pass(10 * time.Minute)
	for _, filter := range anyFilter {
		c.layer.Put(unsubscribe(filter, anyTarget...))
	}
	c.pass(10 * time.Minute)
}

func (c *chance) check() {
	c.Helper()
	c.over()
	times := map[string]int{}
	for _, a := range c.answers() {
		times[a.id]++
	}
	for i, r := range c.receipts {
		if n := times[fmt.Sprint(i)]; n != 1 || !c.layer.Acked(r) {
			c.Errorf("command %d was answered %d times, done: %v", i, n, c.layer.Acked(r))
		}
	}
	if n := c.tree.Stats().Bugs.Load(); n != 0 {
		c.Errorf("%d bugs", n)
	}
	for _, kind := range []string{"/group:", "/channel:", "/subscription:"} {
		if n := c.actorsOf(kind); n != 0 {
			c.Errorf("%d actors are left: %s", n, kind)
		}
	}
	if n := len(c.tree.OfKind("subscription", "")); n != 0 {
		c.Errorf("%d subscriptions are left", n)
	}
	if took := c.stop(); took > time.Second {
		c.Errorf("stopping took %v", took)
	}
}
