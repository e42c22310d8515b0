package main_test

import (
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"chanmqttproxy/test/chaos"
)

// Two minutes of it, in CI.
func TestSoak(t *testing.T) {
	if testing.Short() || os.Getenv("CI") != "true" {
		t.Skip("runs under CI=true and without -short; go run ./test/chaos/soak does more")
	}
	chaos.Soak(t, 2*time.Minute, rand.Uint64())
}
