package layer_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"chanmqttproxy/messages"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// alone has an event travel alone.
func alone(e messages.Event) messages.Bundle {
	return messages.Bundle{Events: []messages.Event{e}}
}

// dump shows a value with its types, floats bit for bit.
func dump(v any) string {
	var b strings.Builder
	write(&b, v)
	return b.String()
}

func write(b *strings.Builder, v any) {
	switch v := v.(type) {
	case float64:
		fmt.Fprintf(b, "float %x", math.Float64bits(v))
	case []any:
		b.WriteString("[")
		for _, v := range v {
			write(b, v)
			b.WriteString(", ")
		}
		b.WriteString("]")
	case messages.Map:
		b.WriteString("{")
		for _, p := range v {
			fmt.Fprintf(b, "%q: ", p.Key)
			write(b, p.Value)
			b.WriteString(", ")
		}
		b.WriteString("}")
	default:
		fmt.Fprintf(b, "%T %#v", v, v)
	}
}
