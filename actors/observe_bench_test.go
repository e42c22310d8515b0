package actors_test

import (
	"testing"

	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/actors"
)

// still is an actor that does nothing with a message.
type still struct{ handled int }

func (s *still) Receive(actor.Context) { s.handled++ }

// BenchmarkSeam is what it costs a message that its actor can be seen.
func BenchmarkSeam(b *testing.B) {
	ctx := &actors.StillContext{Value: 1}
	for name, a := range map[string]actor.Actor{"unseen": actors.Protected(&still{}), "watched": actors.Guard(&still{})} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				a.Receive(ctx)
			}
		})
	}
}
