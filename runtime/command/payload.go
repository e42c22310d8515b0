package command

import (
	"errors"
	"fmt"

	"chanmqttproxy/messages"
	"chanmqttproxy/messages/python"
)

// encode makes the payload of a publish from a Python value: text as UTF-8,
// bytes as they are, a dict or list as json.dumps(ensure_ascii=False) writes
// it, numbers and bools as str() does, None as nothing. Its errors say what
// type is in the way, never what the payload is.
func encode(v messages.Value) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case string:
		return []byte(v), nil
	case []byte:
		return v, nil
	case bool, int64, uint64, float64:
		return []byte(python.Str(v)), nil
	case messages.Map, []any:
		b, err := python.JSON{}.Append(nil, v)
		if errors.Is(err, python.ErrBytes) {
			err = errors.New("a dict or list is sent as JSON, which cannot hold bytes")
		}
		return b, err
	default:
		return nil, fmt.Errorf("a payload cannot be made of a %s", python.TypeName(v))
	}
}
