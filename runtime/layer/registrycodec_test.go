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
