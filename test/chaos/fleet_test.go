package chaos_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"chanmqttproxy/test/chaos"
)

// wide is the load that session slots share.
func wide() chaos.Load {
	return chaos.Load{Processes: size(1, 2), Topics: size(30, 200), In: size(300, 3000), QoS: 1, Out: size(50, 300)}
}

// Workers that die, hang, stop and come back, in any order, lose nothing, and no two of
// them act for the same session slot at once.
func TestFleet(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	f := chaos.NewFleet(t, chaos.Options{Load: wide(), Workers: 3, Sessions: 6})
	harm := []func(int){f.Kill, f.Replace, f.Freeze, f.Restart}
	stop := f.Run()
	for i := range size(8, 30) {
		time.Sleep(time.Duration(random.Int64N(int64(size(time.Second, 5*time.Second)))))
		harm[(i+random.IntN(2))%len(harm)](random.IntN(len(f.Workers)))
	}
	stop()
	f.Check(time.Minute)
	f.StopAll()
	f.OneHolder()
}
