package golden

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Format writes the JSON of a golden file with one case a line, so that a change of a case is
// a change of a line: each element of a list, and each member of an object, that stands under
// a name of the outermost object.
func Format(data []byte) ([]byte, error) {
	files, err := parts(data)
	if err != nil {
		return nil, fmt.Errorf("formatting a golden file: %w", err)
	}
	out := bytes.NewBufferString("{")
	for i, file := range files {
		if i > 0 {
			out.WriteByte(',')
		}
		fmt.Fprintf(out, "\n%s: ", file.key)
		if err := writeCases(out, file.value); err != nil {
			return nil, fmt.Errorf("formatting %s of a golden file: %w", file.key, err)
		}
	}
	out.WriteString("\n}\n")
	return out.Bytes(), nil
}

// part is an element, or a member with its key as JSON.
type part struct{ key, value json.RawMessage }

// parts are those of a list or an object, in their order.
func parts(data []byte) (all []part, err error) {
	in := json.NewDecoder(bytes.NewReader(data))
	first, err := in.Token()
	for err == nil && in.More() {
		var p part
		if first == json.Delim('{') {
			if p.key, err = key(in); err != nil {
				break
			}
		}
		err = in.Decode(&p.value)
		all = append(all, p)
	}
	return all, err
}

func key(in *json.Decoder) (json.RawMessage, error) {
	name, err := in.Token()
	if err != nil {
		return nil, err
	}
	return json.Marshal(name)
}

// writeCases writes a value with a line for each of its parts.
func writeCases(out *bytes.Buffer, value json.RawMessage) error {
	if value[0] != '[' && value[0] != '{' {
		_, err := out.Write(value)
		return err
	}
	cases, err := parts(value)
	out.WriteByte(value[0])
	for i, c := range cases {
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteByte('\n')
		if c.key != nil {
			fmt.Fprintf(out, "%s: ", c.key)
		}
		if err == nil {
			err = json.Compact(out, c.value)
		}
	}
	out.WriteByte('\n')
	out.WriteByte(value[len(value)-1])
	return err
}
