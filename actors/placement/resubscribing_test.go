package placement_test

import (
	"reflect"
	"testing"

	"chanmqttproxy/actors/placement"
	"chanmqttproxy/messages"
)

func TestResubscribing(t *testing.T) {
	t.Parallel()
	want := placement.Resubscribing{Life: "x1", Slot: 2, Epoch: 7, Filters: []string{"a b/+", "$share/x/c"}}
	if got, ok := placement.ParseResubscribing(want.String()); !ok || !reflect.DeepEqual(got, want) {
		t.Errorf("%q is %v, %v", want.String(), got, ok)
	}
	for _, other := range []string{"", "again", "again\x00x\x001", "again\x00x\x00y\x001\x00a", "again\x00x\x001\x00y\x00a", "dh2k4 12"} {
		if got, ok := placement.ParseResubscribing(other); ok {
			t.Errorf("%q is %v", other, got)
		}
	}
}

// A marker counts for its slot only, in its layout, and not where the registry is another.
func TestResubscribingCounts(t *testing.T) {
	t.Parallel()
	v := &placement.View{}
	registry(v, 2, []messages.Stored{{Target: target("a")}}, 3)
	r := v.Resubscribing(1, []string{moved})
	if !v.Counts(r, 1) || v.Counts(r, 0) {
		t.Errorf("of slot 1: %v, of slot 0: %v", v.Counts(r, 1), v.Counts(r, 0))
	}
	if other := (placement.Resubscribing{Life: "other", Slot: 1, Epoch: r.Epoch}); v.Counts(other, 1) {
		t.Error("that of another registry counts")
	}
	registry(v, 3, nil, 3, 1)
	if v.Counts(r, 1) {
		t.Error("it counts in the next layout")
	}
}

func FuzzParseResubscribing(f *testing.F) {
	f.Add(placement.Resubscribing{Epoch: 1, Filters: []string{"a"}}.String())
	f.Fuzz(func(t *testing.T, marker string) {
		r, ok := placement.ParseResubscribing(marker)
		if !ok {
			return
		}
		if same, ok := placement.ParseResubscribing(r.String()); !ok || !reflect.DeepEqual(r, same) {
			t.Errorf("%q: %v, %v", marker, r, same)
		}
	})
}
