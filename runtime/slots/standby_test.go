package slots

import (
	"testing"

	"chanmqttproxy/messages"
)

func TestHolders(t *testing.T) {
	t.Parallel()
	held := func(names ...string) (list []messages.SlotInfo) {
		for i, name := range names {
			s := messages.SlotInfo{Number: i, Name: name}
			if name != "" {
				s.Holder = "id-" + name
			}
			list = append(list, s)
		}
		return list
	}
	for _, test := range []struct {
		name string
		all  []messages.SlotInfo
		ours []messages.Slot
		want string
	}{
		{"none known", nil, nil, ""},
		{"one", held("a:1"), nil, "a:1"},
		{"several", held("b:2", "a:1", "b:2"), nil, "a:1, b:2"},
		{"one is free", held("a:1", ""), nil, ""},
		{"one is ours", held("a:1", "b:2"), []messages.Slot{{Number: 1}}, ""},
		{"an older worker has no name", []messages.SlotInfo{{Holder: "id"}}, nil, "id"},
	} {
		if got := holders(test.all, test.ours); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}
