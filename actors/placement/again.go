package placement

import (
	"strconv"
	"strings"
)

// Again is what a marker says that goes before subscribing once more to filters which are to be left
// in the layout of that number. Messages of them may be missing between what comes before the
// marker and what comes after it: a former holder may have left them, and the broker may have
// forgotten that it has them.
type Again struct {
	Epoch   uint64
	Filters []string
}

// again begins the text of such a marker. Other markers begin with a number in base 36.
const again = "again\x00"

// String is the text of the marker. A filter has no U+0000 [MQTT-4.7.3-2].
func (a Again) String() string {
	return again + strconv.FormatUint(a.Epoch, 10) + "\x00" + strings.Join(a.Filters, "\x00")
}

// ParseAgain is the opposite of String; ok is false if the marker is another one.
func ParseAgain(marker string) (a Again, ok bool) {
	rest, ok := strings.CutPrefix(marker, again)
	if !ok {
		return a, false
	}
	fields := strings.Split(rest, "\x00")
	number, err := strconv.ParseUint(fields[0], 10, 64)
	if err != nil {
		return a, false
	}
	return Again{Epoch: number, Filters: fields[1:]}, true
}
