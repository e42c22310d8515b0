package actors

import (
	"fmt"
	"testing"

	"chanmqttproxy/messages"
)

func TestRepair(t *testing.T) {
	t.Parallel()
	of := func(filter string, qos byte) messages.Stored {
		return messages.Stored{Filter: filter, Target: messages.Target{Name: "g"}, Options: messages.Options{QoS: qos}}
	}
	granted := of("a", 1)
	granted.Granted = true
	all := messages.Restored{Stored: []messages.Stored{of("a", 1), of("b", 0)}, Leaving: []string{"c", "d"}, Refused: []messages.FilterRefusal{{Filter: "e"}}}
	for name, c := range map[string]struct {
		want, found messages.Restored
		changes     string
	}{
		"nothing":       {},
		"all there":     {all, all, ""},
		"all lost":      {all, messages.Restored{}, "put a 1, put b 0, leaving c, leaving d, refused e, "},
		"one lost":      {all, messages.Restored{Stored: all.Stored[:1], Leaving: all.Leaving, Refused: all.Refused}, "put b 0, "},
		"marks lost":    {all, messages.Restored{Stored: all.Stored, Leaving: all.Leaving[1:]}, "leaving c, refused e, "},
		"more is there": {messages.Restored{Stored: all.Stored[1:]}, all, ""},
		"other options": {messages.Restored{Stored: all.Stored}, messages.Restored{Stored: []messages.Stored{of("a", 2), of("b", 0)}}, "put a 1, "},
		"not granted":   {messages.Restored{Stored: []messages.Stored{granted}}, messages.Restored{Stored: []messages.Stored{of("a", 1)}}, "put a 1, "},
	} {
		got := ""
		for _, change := range repair(c.want, c.found) {
			switch {
			case change.Put != nil:
				got += fmt.Sprintf("put %s %d, ", change.Put.Filter, change.Put.Options.QoS)
			case change.Refusal != nil:
				got += "refused " + change.Refusal.Filter + ", "
			default:
				got += "leaving " + change.Leaving + ", "
			}
		}
		if got != c.changes {
			t.Errorf("%s: %q, want %q", name, got, c.changes)
		}
	}
}
