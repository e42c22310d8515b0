package probe_test

import (
	"testing"

	"chanmqttproxy/actors"
	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
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

func TestBroker(t *testing.T) {
	t.Parallel()
	conform.SessionPortSuite(t, func(*testing.T) conform.SessionPort {
		b := probe.NewBroker()
		b.Deny("denied")
		b.RefusePublish("denied", 0x87)
		return conform.SessionPort{
			MQTT: b, Denied: "denied",
			Publish: func(name, payload string, retain bool) {
				m := messages.Message{Topic: name, Payload: []byte(payload), QoS: 1}
				if retain {
					b.Retain(m)
				}
				for filter, want := range b.Filters() {
					if topic.Match(filter, name) && b.Connected() {
						m.QoS = min(m.QoS, want.QoS)
						b.Send(m)
						return
					}
				}
			},
			Sent: func() (topics []string) {
				for _, p := range b.Published() {
					topics = append(topics, p.Message.Topic)
				}
				return topics
			},
			Drop: func() { b.Drop(messages.Network) },
			Away: func() { b.Refuse(func(messages.Version) error { return probe.Failure(messages.Network) }) },
		}
	})
}
