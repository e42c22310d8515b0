package kit

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"

	"chanmqttproxy/messages"
)

// Pack appends what a site sends, as msgpack. It knows one form of each kind of value, which
// need not be the shortest.
func Pack(dst []byte, v messages.Value) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(dst, 0xc0), nil
	case bool:
		if v {
			return append(dst, 0xc3), nil
		}
		return append(dst, 0xc2), nil
	case int:
		return binary.BigEndian.AppendUint64(append(dst, 0xd3), uint64(v)), nil
	case int64:
		return binary.BigEndian.AppendUint64(append(dst, 0xd3), uint64(v)), nil
	case float64:
		return binary.BigEndian.AppendUint64(append(dst, 0xcb), math.Float64bits(v)), nil
	case string:
		return append(packHead(dst, 0xdb, len(v)), v...), nil
	case []byte:
		return append(packHead(dst, 0xc6, len(v)), v...), nil
	case []any:
		dst = packHead(dst, 0xdd, len(v))
		for _, item := range v {
			var err error
			if dst, err = Pack(dst, item); err != nil {
				return dst, err
			}
		}
		return dst, nil
	case messages.Map:
		dst = packHead(dst, 0xdf, len(v))
		for _, pair := range v {
			for _, item := range []messages.Value{pair.Key, pair.Value} {
				var err error
				if dst, err = Pack(dst, item); err != nil {
					return dst, err
				}
			}
		}
		return dst, nil
	default:
		return dst, fmt.Errorf("packing a value of type %T", v)
	}
}

func packHead(dst []byte, kind byte, n int) []byte {
	return binary.BigEndian.AppendUint32(append(dst, kind), uint32(n))
}

// StreamPartition is the partition, of so many, in which a stream has a topic.
func StreamPartition(topic string, partitions int) int {
	return int(crc32.ChecksumIEEE([]byte(topic)) % uint32(partitions))
}
