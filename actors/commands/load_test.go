package commands

import (
	"strings"
	"testing"

	"chanmqttproxy/messages"
)

func TestLoad(t *testing.T) {
	t.Parallel()
	of := func(sizes ...int) (l Load) {
		for _, n := range sizes {
			l.add(messages.Receipt(strings.Repeat("x", n)))
		}
		return l
	}
	for name, c := range map[string]struct {
		load Load
		want int
	}{
		"nothing":            {of(), 10},
		"some":               {of(1, 1, 1), 7},
		"as many as may":     {of(1, 1, 1, 1, 1, 1, 1, 1, 1, 1), 0},
		"more than may":      {of(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1), 0},
		"nearly all memory":  {of(499), 9},
		"all memory":         {of(500), 0},
		"more than memory":   {of(2000), 0},
		"memory, then less":  {of(500, 500).less(of(500)), 0},
		"free again":         {of(500, 400).less(of(500)), 9},
		"all of it is done":  {of(500, 400).less(of(400, 500)), 10},
		"memory of many":     {of(100, 100, 100, 100, 99), 5},
		"memory of all four": {of(125, 125, 125, 125), 0},
	} {
		if got := c.load.Room(10, 1000); got != c.want {
			t.Errorf("%s: room for %d, want %d", name, got, c.want)
		}
	}
}
