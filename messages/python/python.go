// Package python names and writes values as Python does.
package python

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"chanmqttproxy/messages"
)

// TypeName is what type(v).__name__ says, and None for None.
func TypeName(v messages.Value) string {
	switch v.(type) {
	case nil:
		return "None"
	case bool:
		return "bool"
	case int, int64, uint64:
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

// Str is what str() makes of a bool or number. Of anything else it is the type's name.
func Str(v messages.Value) string {
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
		return string(appendFloat(nil, v, "nan", "inf"))
	default:
		return TypeName(v)
	}
}

// appendFloat writes a float as repr() does: with the fewest digits that read back the
// same, and an exponent below 1e-4 and from 1e16 on. What is no number is written by name.
func appendFloat(dst []byte, f float64, nan, inf string) []byte {
	size := math.Abs(f)
	switch {
	case math.IsNaN(f):
		return append(dst, nan...)
	case math.IsInf(f, 1):
		return append(dst, inf...)
	case math.IsInf(f, -1):
		return append(append(dst, '-'), inf...)
	case size != 0 && (size < 1e-4 || size >= 1e16):
		return strconv.AppendFloat(dst, f, 'e', -1, 64)
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, f, 'f', -1, 64)
	if !strings.Contains(string(dst[start:]), ".") {
		dst = append(dst, ".0"...)
	}
	return dst
}
