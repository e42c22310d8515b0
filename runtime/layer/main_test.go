package layer_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"chanmqttproxy/messages"
)

// TestMain wants all goroutines ended, but those by which go-redis looks for a
// server that was away: they end up to a second after their client.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}

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
