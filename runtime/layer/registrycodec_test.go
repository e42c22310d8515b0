package layer

import (
	"reflect"
	"testing"
	"time"

	"chanmqttproxy/messages"
)

// TestEveryOptionIsStored sets one option after the other.
func TestEveryOptionIsStored(t *testing.T) {
	t.Parallel()
	options := reflect.TypeFor[messages.Options]()
	for i := range options.NumField() {
		var want, got messages.Stored
		switch field := reflect.ValueOf(&want.Options).Elem().Field(i); field.Kind() {
		case reflect.Bool:
			field.SetBool(true)
		case reflect.Uint8, reflect.Uint16:
			field.SetUint(1)
		default: // a duration
			field.SetInt(int64(2 * time.Second))
		}
		if _, clean := parseOptions(formatOptions(want), &got); !clean || got != want {
			t.Errorf("%s: stored %+v, read %+v", options.Field(i).Name, want.Options, got.Options)
		}
	}
}

// TestOptionsReader: each entry has its own options, and the same text the same ones.
func TestOptionsReader(t *testing.T) {
	t.Parallel()
	var r optionsReader
	for _, value := range []string{`{"qos":1}`, `{"qos":1}`, `{"batch":7}`, ``, `{"batch":7,"x":1}`, `[]`, `[]`, `{"qos":2,"unasked":true}`, `{}`} {
		want := messages.Stored{Filter: "a", Number: 3, Target: messages.Target{Name: "b"}}
		got := want
		readable, clean := parseOptions(value, &want)
		if r, c := r.read(value, &got); got != want || r != readable || c != clean {
			t.Errorf("%s: %+v, %v, %v; want %+v, %v, %v", value, got, r, c, want, readable, clean)
		}
	}
}
