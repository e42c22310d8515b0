package chaos_test

import (
	"testing"
	"time"

	"chanmqttproxy/test/chaos"
)

// older is the version before this one: the last that stored the subscriptions of each
// session slot apart.
const older = "1739fcc"

// Workers are replaced one after another by those of another version, and back, under
// load: by a stop in order, and by a kill.
func TestFleetVersions(t *testing.T) {
	long(t)
	t.Parallel()
	f := chaos.NewFleet(t, chaos.Options{Load: asking(), Workers: 2, Sessions: 3, Older: older})
	for _, end := range []func(*chaos.Worker){(*chaos.Worker).Stop, (*chaos.Worker).Kill}[:size(1, 2)] {
		for _, version := range []string{"", older, ""} {
			for _, w := range f.Workers {
				stop := f.Run()
				f.During("a worker of another version in its place", func() {
					end(w)
					w.Be(version)
					w.Start()
				})
				time.Sleep(quiet / 4)
				stop()
				f.AtRest()
			}
		}
	}
	f.Check(time.Minute)
	f.StopAll()
	f.OneHolder()
}
