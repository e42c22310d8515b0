package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// maxRandomPrefix is the longest random prefix that is taken.
const maxRandomPrefix = 1024

// channelCapacity reads {pattern: capacity}, whose order counts. For files, whose
// tables have none, a list of [pattern, capacity] is taken too.
func channelCapacity(r *layerReader, path string, v json.RawMessage) {
	list, err := orderedPairs(v)
	if err != nil {
		if !errors.Is(err, errRegexp) {
			err = errors.New("not {pattern: capacity} with text and whole numbers")
		}
		r.fail(path, "%w", err)
		return
	}
	for _, p := range list {
		c := Capacity{Pattern: p.pattern, Regexp: p.regexp}
		r.count(path+" of "+strconv.Quote(p.pattern), p.capacity, &c.Capacity)
		r.layer.Capacities = replaceOrAppend(r.layer.Capacities, c)
	}
}

// orderLost says whether a value that a file's own language held has patterns
// in a table, whose order counts but was not kept.
func orderLost(value any) bool {
	for _, key := range []string{"default", "CONFIG", "channel_capacity"} {
		table, _ := value.(map[string]any)
		value = table[key]
	}
	table, _ := value.(map[string]any)
	return len(table) > 1
}

// replaceOrAppend does as a Python dict does with a key that comes twice.
func replaceOrAppend(list []Capacity, c Capacity) []Capacity {
	i := slices.IndexFunc(list, func(o Capacity) bool {
		return o.Pattern == c.Pattern && (o.Regexp == nil) == (c.Regexp == nil)
	})
	if i < 0 {
		return append(list, c)
	}
	list[i] = c
	return list
}

// patternCapacity is one entry as it was written.
type patternCapacity struct {
	pattern  string
	regexp   *regexp.Regexp // of a pattern that Python has compiled
	capacity json.RawMessage
}

var errPairs = errors.New("neither an object nor a list of pairs")

// orderedPairs reads an object, or a list of pairs, in the order in which it
// was written.
func orderedPairs(v json.RawMessage) ([]patternCapacity, error) {
	var list []patternCapacity
	if trimmed := bytes.TrimSpace(v); len(trimmed) > 0 && trimmed[0] == '[' {
		return pairsOfList(v)
	}
	d := json.NewDecoder(bytes.NewReader(v))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, errPairs
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, errPairs
		}
		p := patternCapacity{pattern: key.(string)} // what begins an entry of an object
		if d.Decode(&p.capacity) != nil {
			return nil, errPairs
		}
		list = append(list, p)
	}
	return list, nil
}

func pairsOfList(v json.RawMessage) ([]patternCapacity, error) {
	var pairs [][]json.RawMessage
	if json.Unmarshal(v, &pairs) != nil {
		return nil, errPairs
	}
	list := make([]patternCapacity, len(pairs))
	for i, pair := range pairs {
		if len(pair) != 2 {
			return nil, errPairs
		}
		if err := list[i].setPattern(pair[0]); err != nil {
			return nil, err
		}
		list[i].capacity = pair[1]
	}
	return list, nil
}

// errRegexp is the error for a regular expression of Python's that Go can't read.
var errRegexp = errors.New("a regular expression that only Python understands: write it without look-around and back references, or as a pattern with * and ?")

// setPattern reads a pattern: text, or what Python has compiled, as {"regex": text,
// "ignore_case": true}.
func (p *patternCapacity) setPattern(v json.RawMessage) (err error) {
	if json.Unmarshal(v, &p.pattern) == nil {
		return nil
	}
	var compiled struct {
		Regex      *string `json:"regex"`
		IgnoreCase bool    `json:"ignore_case"`
	}
	if json.Unmarshal(v, &compiled) != nil || compiled.Regex == nil {
		return errPairs
	}
	flags := ""
	if compiled.IgnoreCase {
		flags = "(?i)"
	}
	p.pattern = *compiled.Regex
	p.regexp, err = regexp.Compile(flags + `^(?:` + strings.ReplaceAll(p.pattern, `\Z`, `\z`) + `)`)
	if err != nil {
		return fmt.Errorf("%q is %w", p.pattern, errRegexp)
	}
	return nil
}

// encryptionKeys reads a list of texts. What is wrong is said without them.
func encryptionKeys(r *layerReader, path string, v json.RawMessage) {
	r.read(path, v, &r.layer.EncryptionKeys, "a list of keys in text")
	if slices.Contains(r.layer.EncryptionKeys, "") {
		r.fail(path, "a key is empty")
	}
}

func serializer(r *layerReader, path string, v json.RawMessage) {
	r.read(path, v, &r.layer.Serializer, "text")
	if s := r.layer.Serializer; s != "msgpack" && s != "json" {
		r.fail(path, "the worker can't use a serializer of the site's own: use msgpack or json, here and in the site")
	}
}

func randomPrefix(r *layerReader, path string, v json.RawMessage) {
	n, err := strconv.Atoi(string(v))
	if err != nil || n < 0 || n > maxRandomPrefix {
		r.fail(path, "not a whole number from 0 to %d", maxRandomPrefix)
		return
	}
	r.layer.RandomPrefix = n
}
