package placement_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	"chanmqttproxy/actors/placement"
	"chanmqttproxy/messages"
)

// Targets are a map, whatever their number.
func TestTargets(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		random, want, got := rand.New(rand.NewPCG(seed, 0)), map[messages.Target]uint64{}, placement.Targets[uint64]{}
		for step := range uint64(2000) {
			most := 1 + int(step/100) // they become more, and the index comes and goes
			target := messages.Target{Name: fmt.Sprint(random.IntN(most))}
			if random.IntN(2) == 0 {
				want[target] = step
				got.Set(target, step)
			} else {
				delete(want, target)
				got.Remove(target)
			}
			wanted, known := want[target]
			if s, ok := got.Get(target); s != wanted || ok != known {
				t.Fatalf("seed %d, step %d: %v has %d %v, want %d %v", seed, step, target, s, ok, wanted, known)
			}
			if all := maps.Collect(got.Each); !maps.Equal(all, want) {
				t.Fatalf("seed %d, step %d: %v, want %v", seed, step, all, want)
			}
		}
	}
}
