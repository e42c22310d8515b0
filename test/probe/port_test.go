package probe_test

import (
	"testing"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
	"chanmqttproxy/test/conform"
	"chanmqttproxy/test/probe"
)

func TestLayer(t *testing.T) {
	t.Parallel()
	conform.LayerPortSuite(t, func(*testing.T) conform.LayerPort {
		l, read := probe.NewLayer(), map[string]int{}
		group := func(name string) messages.Target { return messages.Target{Kind: messages.Group, Name: name} }
		return conform.LayerPort{
			Layer: l,
			Next:  func() actors.Layer { l.Die(); return l },
			Put:   func(topic string) { l.Put(messages.PublishCommand{Message: &messages.Message{Topic: topic}}) },
			Join:  func(name string, channels ...string) { l.Join(group(name), channels...) },
			Room:  func(channel string, n int) { l.Room(messages.NonLocal(channel), n) },
			Read: func(channel string) []string {
				payloads := []string{}
				all := l.Written(messages.NonLocal(channel))
				all = append(all, l.Sent(messages.Target{Kind: messages.Channel, Name: channel})...)
				for _, e := range all[read[channel]:] {
					payloads = append(payloads, string(e.Message.Payload))
				}
				read[channel] = len(all)
				return payloads
			},
			Away: func(away bool) {
				if l.Away(away); away {
					l.Untell(0)
				}
			},
			Leave: func(name string) { l.Dead(group(name), true) },
			Lose:  l.Forget,
		}
	})
}
