package placement_test

import (
	"slices"
	"testing"

	"chanmqttproxy/actors/placement"
	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

func TestFirst(t *testing.T) {
	t.Parallel()
	epochs := func(sessions ...int) (list []messages.Epoch) {
		for i, n := range sessions {
			list = append(list, messages.Epoch{Number: uint64(i + 1), Sessions: n})
		}
		return list
	}
	for _, c := range []struct {
		name    string
		found   []messages.Epoch
		layout  messages.Layout
		want    []messages.Epoch
		several bool
	}{
		{"nothing is known", nil, messages.Layout{}, epochs(1), false},
		{"alone", nil, messages.Layout{Sessions: 1}, epochs(1), false},
		{"several at once", nil, messages.Layout{Sessions: 3}, epochs(3), true},
		{"after an older version, with another number", nil, messages.Layout{Sessions: 3, Before: 2}, epochs(2), true},
		{"after one of several, alone", nil, messages.Layout{Sessions: 1, Before: 2}, epochs(2), true},
		{"found", epochs(2, 3), messages.Layout{Sessions: 1}, epochs(2, 3), true},
		{"found, alone", epochs(1), messages.Layout{Sessions: 1}, epochs(1), false},
		{"found, alone until now", epochs(1), messages.Layout{Sessions: 2, Before: 1}, epochs(1), true},
	} {
		got, several := placement.First(c.found, c.layout)
		if !slices.Equal(got, c.want) || several != c.several {
			t.Errorf("%s: %v, several %v; want %v, %v", c.name, got, several, c.want, c.several)
		}
	}
}

// The next layout waits until the owners have said what they have of what was there at first.
func TestLayoutsWait(t *testing.T) {
	t.Parallel()
	const filter = "a"
	owner := topic.Slot(filter, 2)
	for _, c := range []struct {
		name string
		said messages.FilterStatus
		want bool
	}{
		{"nothing said", messages.FilterStatus{Number: 1}, false},
		{"granted before", messages.FilterStatus{Number: 1, Granted: true}, false},
		{"granted", messages.FilterStatus{Number: 2, Granted: true}, true},
		{"refused", messages.FilterStatus{Number: 2, Refusal: messages.FilterRefusal{Kind: "answered"}}, true},
		{"left", messages.FilterStatus{Number: 2, Left: 1}, false},
	} {
		v := &placement.View{}
		epochs := []messages.Epoch{{Number: 1, Sessions: 2}}
		put := func(number uint64, name string) {
			v.Apply(messages.Page{Table: messages.RegistryTable, At: messages.Position{Life: "1", Number: number}, Epochs: epochs, Stored: []messages.Stored{{Filter: filter, Target: target(name), Number: number}}}, 0)
		}
		put(2, "first")
		commands := placement.NewCommands(v)
		put(3, "later") // for which nothing waits
		c.said.Filter = filter
		v.Apply(messages.Page{Table: owner, At: messages.Position{Life: "1", Number: 1}, Filters: []messages.FilterStatus{c.said}}, 0)
		next, changed := commands.Layouts(3)
		if changed != c.want || changed && !slices.Equal(next, append(epochs, messages.Epoch{Number: 2, Sessions: 3})) {
			t.Errorf("%s: %v, %v", c.name, next, changed)
		}
		if _, changed := commands.Layouts(2); changed {
			t.Errorf("%s: the layout changes though the number is the same", c.name)
		}
	}
}
