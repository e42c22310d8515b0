package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
)

// maxRandomPrefix is the longest random prefix that is taken.
const maxRandomPrefix = 1024

// channelCapacity reads {pattern: capacity}, whose order counts. For files, whose
// tables have none, a list of [pattern, capacity] is taken too.
func channelCapacity(r *layerReader, path string, v json.RawMessage) {
	list, err := orderedPairs(v)
	if err != nil {
		r.fail(path, "not {pattern: capacity} with text and whole numbers")
		return
	}
	for _, p := range list {
		c := Capacity{Pattern: p.pattern}
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
	i := slices.IndexFunc(list, func(o Capacity) bool { return o.Pattern == c.Pattern })
	if i < 0 {
		return append(list, c)
	}
	list[i] = c
	return list
}

// patternCapacity is one entry as it was written.
type patternCapacity struct {
	pattern  string
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
		if len(pair) != 2 || json.Unmarshal(pair[0], &list[i].pattern) != nil {
			return nil, errPairs
		}
		list[i].capacity = pair[1]
	}
	return list, nil
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
		r.fail(path, "a serializer of the site's own cannot be honoured: use msgpack or json, here and in the site")
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
