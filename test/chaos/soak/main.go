// Command soak runs the bridge under load for as long as one likes, while
// faults come at random, and prints the account:
//
//	go run ./test/chaos/soak -minutes 20
//
// It needs redis-server and mosquitto. Exit code 1: something was lost, came
// twice or out of order without a reason, or grew.
package main

import (
	"flag"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"chanmqttproxy/test/chaos"
)

func main() {
	minutes := flag.Float64("minutes", 20, "how long")
	seed := flag.Uint64("seed", rand.Uint64(), "of the random faults")
	flag.Parse()
	failed := run(func(t testing.TB) {
		chaos.Soak(t, time.Duration(*minutes*float64(time.Minute)), *seed)
	})
	if failed {
		os.Exit(1)
	}
}
