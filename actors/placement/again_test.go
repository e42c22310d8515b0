package placement_test

import (
	"reflect"
	"testing"

	"chanmqttproxy/actors/placement"
)

func TestAgain(t *testing.T) {
	t.Parallel()
	want := placement.Again{Epoch: 7, Filters: []string{"a b/+", "$share/x/c"}}
	if got, ok := placement.ParseAgain(want.String()); !ok || !reflect.DeepEqual(got, want) {
		t.Errorf("%q is %v, %v", want.String(), got, ok)
	}
	for _, other := range []string{"", "again", "again\x00", "again\x00x\x00a", "dh2k4 12"} {
		if got, ok := placement.ParseAgain(other); ok {
			t.Errorf("%q is %v", other, got)
		}
	}
}

func FuzzParseAgain(f *testing.F) {
	f.Add(placement.Again{Epoch: 1, Filters: []string{"a"}}.String())
	f.Fuzz(func(t *testing.T, marker string) {
		a, ok := placement.ParseAgain(marker)
		if !ok {
			return
		}
		if same, ok := placement.ParseAgain(a.String()); !ok || !reflect.DeepEqual(a, same) {
			t.Errorf("%q: %v, %v", marker, a, same)
		}
	})
}
