package layer

import "chanmqttproxy/messages"

func (d *decoder) dict(n, depth int) (messages.Value, error) {
	if depth > maxDecodeDepth {
		return nil, errDepth
	}
	b := mapBuilder{m: make(messages.Map, 0, room(n))}
	for range n {
		k, err := d.value(maxDecodeDepth + 1) // a container is no key
		if err != nil {
			return nil, err
		}
		key, ok := k.(string)
		if !ok {
			return nil, errKey
		}
		v, err := d.value(depth + 1)
		if err != nil {
			return nil, err
		}
		b.set(key, v)
	}
	return b.m, nil
}

// mapBuilder fills a Map as Python fills a dict.
type mapBuilder struct {
	m     messages.Map
	index map[string]int // made once m is too long to search
}

func (b *mapBuilder) set(key string, v messages.Value) {
	if i := b.find(key); i >= 0 {
		b.m[i].Value = v
		return
	}
	if b.index != nil {
		b.index[key] = len(b.m)
	}
	b.m = append(b.m, messages.Pair{Key: key, Value: v})
}

func (b *mapBuilder) find(key string) int {
	if b.index == nil && len(b.m) == 16 {
		b.index = make(map[string]int, 32)
		for i, p := range b.m {
			b.index[p.Key] = i
		}
	}
	if b.index != nil {
		if i, ok := b.index[key]; ok {
			return i
		}
		return -1
	}
	for i, p := range b.m {
		if p.Key == key {
			return i
		}
	}
	return -1
}
