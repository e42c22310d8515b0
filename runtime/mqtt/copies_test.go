package mqtt

import (
	"slices"
	"strings"
	"testing"
	"time"

	"chanmqttproxy/messages"
)

// arrival is one packet, after how many times 5 milliseconds it comes, and for which
// subscriptions.
type arrival struct {
	at      int
	payload string
	ids     []uint32
	qos     byte
}

// sortAll has all arrivals sorted and returns the payloads that are passed on as no
// copies.
func sortAll(c *copies, start time.Time, list []arrival) (passed []string) {
	pass := func(out []sorted) {
		for _, p := range out {
			if !p.copy {
				passed = append(passed, string(p.message.Payload))
			}
		}
	}
	var until time.Time
	for _, a := range list {
		now := start.Add(time.Duration(a.at) * 5 * time.Millisecond)
		if c.held != nil && !now.Before(until) {
			pass(c.flush())
		}
		before := c.held != nil
		pass(c.sort(packet{
			kind: typePublish, identifiers: a.ids,
			message: &messages.Message{Topic: "t", Payload: []byte(a.payload), QoS: a.qos},
		}, now))
		if c.held != nil && !before {
			until = now.Add(holdTime)
		}
	}
	pass(c.flush())
	return passed
}

func TestCopies(t *testing.T) {
	t.Parallel()
	one, two, three := []uint32{1}, []uint32{1, 2}, []uint32{3, 2, 1}
	for name, c := range map[string]struct {
		list []arrival
		want []string
	}{
		"one that names all": {
			[]arrival{{0, "a", two, 1}, {10, "b", two, 1}, {500, "a", two, 1}}, []string{"a", "b", "a"},
		},
		"one that names one in each": { // the router tells them apart
			[]arrival{{0, "a", one, 1}, {0, "a", []uint32{2}, 1}}, []string{"a", "a"},
		},
		"copies that name all": {
			[]arrival{{0, "a", three, 1}, {1, "a", three, 1}, {2, "a", three, 1}, {500, "b", three, 1}, {501, "b", three, 1}, {502, "b", three, 1}},
			[]string{"a", "b"},
		},
		"copies among each other": {
			[]arrival{
				{0, "a", two, 1}, {0, "a", two, 1}, {400, "a", two, 1}, {401, "b", two, 1}, {402, "c", two, 1},
				{403, "b", two, 1}, {404, "a", two, 1}, {405, "c", two, 1},
			},
			[]string{"a", "a", "b", "c"},
		},
		"the same again, and copies of both": {
			[]arrival{{0, "a", two, 1}, {0, "a", two, 1}, {400, "a", two, 1}, {400, "a", two, 1}, {400, "a", two, 1}, {400, "a", two, 1}},
			[]string{"a", "a", "a"},
		},
		"a message between copies": {
			[]arrival{{0, "a", two, 1}, {1, "x", one, 1}, {2, "a", two, 1}, {3, "y", one, 1}, {400, "z", one, 1}},
			[]string{"a", "x", "y", "z"},
		},
		"twice the same by a server that sends no copies": {
			[]arrival{{0, "a", two, 1}, {10, "a", two, 1}, {20, "b", two, 1}, {400, "c", two, 1}},
			[]string{"a", "a", "b", "c"},
		},
		"the same again and again by a server that sends no copies": {
			[]arrival{{0, "a", two, 1}, {50, "a", two, 1}, {100, "a", two, 1}, {150, "a", two, 1}, {200, "a", two, 1}},
			[]string{"a", "a", "a", "a", "a"},
		},
		"the same now and then by a server that sends no copies": {
			[]arrival{{0, "a", two, 1}, {150, "a", two, 1}, {300, "a", two, 1}, {450, "a", two, 1}},
			[]string{"a", "a", "a", "a"},
		},
		"a copy that is promised more": {
			[]arrival{{0, "a", two, 0}, {1, "a", two, 1}, {400, "b", two, 1}, {401, "b", two, 0}},
			[]string{"a", "a", "b"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := sortAll(&copies{}, time.Now(), c.list); !slices.Equal(got, c.want) {
				t.Errorf("passed on %q, want %q", got, c.want)
			}
		})
	}
}

// A server that was taken for one that sends copies, and does not, loses nothing that was
// not equal to the message before it, and after a few such mistakes nothing at all.
func TestCopiesThatDoNotCome(t *testing.T) {
	t.Parallel()
	var c copies
	one, two := []uint32{1}, []uint32{1, 2}
	start := time.Now()
	for i := range copyDoubts {
		got := sortAll(&c, start.Add(time.Duration(i)*time.Minute), []arrival{
			{0, "a", two, 1}, {1, "a", two, 1}, {1000, "b", two, 1}, {1200, "d", one, 1}, {1400, "e", two, 1}, {1600, "f", two, 1},
			{1800, "g", two, 1}, {2000, "h", two, 1}, {2200, "i", two, 1}, {2400, "j", two, 1}, {2600, "k", two, 1}, {2800, "l", two, 1},
			{3000, "m", two, 1}, {3200, "n", two, 1}, {3400, "o", two, 1}, {4000, "c", two, 1}, {4500, "c", two, 1},
		})
		if want := strings.Split("abdefghijklmnocc", ""); !slices.Equal(got, want) {
			t.Errorf("passed on %q, want %q", got, want)
		}
	}
	got := sortAll(&c, start.Add(time.Hour), []arrival{{0, "a", two, 1}, {1, "a", two, 1}})
	if want := []string{"a", "a"}; !slices.Equal(got, want) {
		t.Errorf("passed on %q, want %q", got, want)
	}
}

// What is held and remembered has a limit.
func TestCopiesAreBounded(t *testing.T) {
	t.Parallel()
	var c copies
	two := []uint32{1, 2}
	var list []arrival
	for i := range 3 * copyLimit {
		list = append(list, arrival{0, string(rune('a'+i%26)) + time.Duration(i).String(), two, 1})
	}
	if got := sortAll(&c, time.Now(), list); len(got) != len(list) {
		t.Errorf("%d of %d were passed on", len(got), len(list))
	}
	if len(c.waiting) > copyLimit || len(c.oldest) > copyLimit {
		t.Errorf("%d and %d are remembered", len(c.waiting), len(c.oldest))
	}
}
