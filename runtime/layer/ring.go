package layer

import "hash/crc32"

// ring says which host of n has a name, as channels_redis's consistent_hash
// does: by the low 12 bits of the CRC-32 of the name, on a ring that is divided
// in doubles.
func ring(name string, n int) int {
	if n < 2 {
		return 0
	}
	point := crc32.ChecksumIEEE([]byte(name)) & 0xFFF
	return int(float64(point) / (4096 / float64(n)))
}
