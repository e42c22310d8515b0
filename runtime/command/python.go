package command

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"chanmqttproxy/messages"
)

// pythonType is what type(v).__name__ says.
func pythonType(v messages.Value) string {
	switch v.(type) {
	case nil:
		return "None"
	case bool:
		return "bool"
	case int64, uint64:
		return "int"
	case float64:
		return "float"
	case string:
		return "str"
	case []byte:
		return "bytes"
	case []any:
		return "list"
	case messages.Map:
		return "dict"
	default:
		return fmt.Sprintf("%T", v)
	}
}

// pythonStr is what str() makes of a bool or number.
func pythonStr(v messages.Value) string {
	switch v := v.(type) {
	case bool:
		if v {
			return "True"
		}
		return "False"
	case int64:
		return strconv.FormatInt(v, 10)
	case uint64:
		return strconv.FormatUint(v, 10)
	case float64:
		return floatRepr(v)
	default:
		return pythonType(v)
	}
}

// floatRepr is what repr() makes of a float: the fewest digits that read back
// the same, with an exponent below 1e-4 and from 1e16 on.
func floatRepr(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	if size := math.Abs(f); size != 0 && (size < 1e-4 || size >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}
