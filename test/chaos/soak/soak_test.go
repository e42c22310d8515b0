package main_test

import (
	"os"
	"testing"
	"time"

	"chanmqttproxy/test/chaos"
)

// seed draws long stretches of bad network, in which a publish was once taken
// for one on which the broker hangs up.
const seed = 2986452814646552500

// Two minutes of it, in CI.
func TestSoak(t *testing.T) {
	if testing.Short() || os.Getenv("CI") != "true" {
		t.Skip("runs under CI=true and without -short; go run ./test/chaos/soak does more")
	}
	chaos.Soak(t, 2*time.Minute, seed)
}
