package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// read sets the value that the sources gave, or else the fallback.
func (s setting) read(d *draft, value any) error {
	if value == nil {
		if s.fallback == "" {
			return nil
		}
		value = s.fallback
	}
	text, err := s.written(value)
	if err != nil {
		return err
	}
	d.written[s.env] = text
	return s.set(d, text)
}

// written gives a file's value the form it would have in the environment, so
// that there is one way to read it.
func (s setting) written(value any) (string, error) {
	switch v := value.(type) {
	case string:
		return v, nil
	case bool:
		return s.plain(strconv.FormatBool(v))
	case int:
		return s.plain(strconv.Itoa(v))
	case int64:
		return s.plain(strconv.FormatInt(v, 10))
	case float64:
		return s.plain(strconv.FormatFloat(v, 'f', -1, 64))
	case []any:
		if s.kind == list {
			return joined(v)
		}
	}
	if s.kind != object {
		return "", fmt.Errorf("not a %s", s.kind)
	}
	if orderLost(value) {
		return "", errors.New("default.CONFIG.channel_capacity: the order of the patterns counts, which a table does not keep: give a list of [pattern, capacity]")
	}
	packed, err := json.Marshal(value)
	if err != nil {
		return "", errors.New("not what JSON can hold: keys must be text")
	}
	return string(packed), nil
}

// plain refuses what the file's language took for a number or a truth value
// where text is wanted: 0123 is not the text that was written.
func (s setting) plain(v string) (string, error) {
	switch s.kind {
	case number, boolean, duration:
		return v, nil
	}
	return "", fmt.Errorf("not a %s: write the value in quotes", s.kind)
}

func joined(values []any) (string, error) {
	parts := make([]string, len(values))
	for i, v := range values {
		part, ok := v.(string)
		if !ok {
			return "", errors.New("not a list of texts: write the values in quotes")
		}
		parts[i] = part
	}
	return strings.Join(parts, ","), nil
}
