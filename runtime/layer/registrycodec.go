package layer

import (
	"encoding/json"
	"math"
	"slices"
	"time"

	"chanmqttproxy/messages"
)

// The words of the registry. A field is a JSON array, ["group", "channel" or "stream",
// name, filter], ["leaving", filter] or ["refused", filter], and its value a JSON object
// of the options, or of the refusal; so people can read it, and other versions of this program too.
var (
	kindWords     = []string{messages.Group: "group", messages.Channel: "channel", messages.Stream: "stream"}
	payloadWords  = []string{messages.PayloadAuto: "auto", messages.PayloadJSON: "json", messages.PayloadText: "text", messages.PayloadBytes: "bytes"}
	overflowWords = []string{messages.OverflowWait: "wait", messages.OverflowDrop: "drop", messages.OverflowLatest: "latest"}
)

const (
	leavingWord = "leaving"
	refusedWord = "refused"
)

func storedField(s messages.Stored) string {
	return format([]string{kindWords[s.Target.Kind], s.Target.Name, s.Filter})
}

func leavingField(filter string) string { return format([]string{leavingWord, filter}) }

func refusedField(filter string) string { return format([]string{refusedWord, filter}) }

// storedRefusal is a refusal as it is stored.
type storedRefusal struct {
	Kind string `json:"kind"`
	Code byte   `json:"code,omitempty"`
}

// parseRefusal reads a field and its value, if they are those of a refused filter. One
// that cannot be read whole is of the first kind.
func parseRefusal(field, value string) (r messages.FilterRefusal, ok bool) {
	var words []string
	if json.Unmarshal([]byte(field), &words) != nil || len(words) != 2 || words[0] != refusedWord || words[1] == "" || format(words) != field {
		return r, false
	}
	var stored storedRefusal
	_ = json.Unmarshal([]byte(value), &stored)
	return messages.FilterRefusal{Filter: words[1], Kind: stored.Kind, Code: stored.Code}, true
}

// isRefusal says whether a field is that of a refused filter.
func isRefusal(field string) bool {
	_, ok := parseRefusal(field, "")
	return ok
}

func format(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // text, numbers and flags only
	}
	return string(b)
}

// parseField reads a field. One that is spelled in another way than it would be
// written is not ok: it could never be removed.
func parseField(field string) (s messages.Stored, leaving, ok bool) {
	return storedOf(wordsOf(field))
}

// storedOf is what the words of a field say.
func storedOf(words []string) (s messages.Stored, leaving, ok bool) {
	if len(words) == 2 && words[0] == leavingWord {
		return messages.Stored{Filter: words[1]}, true, words[1] != ""
	}
	if len(words) != 3 || words[1] == "" || words[2] == "" {
		return s, false, false
	}
	kind := slices.Index(kindWords, words[0])
	s.Target = messages.Target{Kind: messages.TargetKind(max(kind, 0)), Name: words[1]}
	s.Filter = words[2]
	return s, false, kind >= 0
}

// storedOptions are the options as they are stored.
type storedOptions struct {
	QoS      byte   `json:"qos"`
	NoLocal  bool   `json:"no_local"`
	Payload  string `json:"payload"`
	Overflow string `json:"overflow"`
	Batch    int    `json:"batch"`
	// MinInterval is in seconds.
	MinInterval float64 `json:"min_interval,omitempty"`
	Shared      bool    `json:"shared,omitempty"`
	Granted     bool    `json:"granted,omitempty"`
	Static      bool    `json:"static,omitempty"`
	Unasked     bool    `json:"unasked,omitempty"`
	Since       uint64  `json:"since,omitempty"`
	Ending      bool    `json:"ending,omitempty"`
}

func formatOptions(s messages.Stored) string {
	o := s.Options
	return format(storedOptions{
		QoS: o.QoS, NoLocal: o.NoLocal, Payload: o.Payload.String(), Overflow: o.Overflow.String(),
		Batch: int(o.Batch), MinInterval: o.MinInterval.Seconds(), Shared: o.Shared,
		Granted: s.Granted, Static: s.Static, Unasked: s.Unasked, Since: s.Since, Ending: s.Ending,
	})
}

// parseOptions reads what it can; clean says that this was everything, and
// readable that it was an object at all.
func parseOptions(value string, s *messages.Stored) (readable, clean bool) {
	var keys map[string]json.RawMessage
	if json.Unmarshal([]byte(value), &keys) != nil || keys == nil {
		return false, false
	}
	clean = true
	for key, raw := range keys {
		switch key {
		case "granted":
			clean = json.Unmarshal(raw, &s.Granted) == nil && clean
		case "static":
			clean = json.Unmarshal(raw, &s.Static) == nil && clean
		case "unasked":
			clean = json.Unmarshal(raw, &s.Unasked) == nil && clean
		case "since":
			clean = json.Unmarshal(raw, &s.Since) == nil && clean
		case "ending":
			clean = json.Unmarshal(raw, &s.Ending) == nil && clean
		default:
			clean = parseOption(&s.Options, key, raw) && clean
		}
	}
	return true, clean
}

// optionsReader reads the options of many entries. Most have the same as the one before.
type optionsReader struct {
	value           string
	options         messages.Stored
	readable, clean bool
}

// read is as parseOptions.
func (r *optionsReader) read(value string, s *messages.Stored) (readable, clean bool) {
	if r.value != value || value == "" {
		r.value, r.options = value, messages.Stored{}
		r.readable, r.clean = parseOptions(value, &r.options)
	}
	o := r.options
	o.Filter, o.Target, o.Number = s.Filter, s.Target, s.Number
	*s = o
	return r.readable, r.clean
}

// parseOption reads one option, and leaves its default where it cannot.
func parseOption(o *messages.Options, key string, raw json.RawMessage) bool {
	switch key {
	case "qos":
		i, ok := parseIndex(raw, 3)
		o.QoS = byte(i)
		return ok
	case "no_local":
		return json.Unmarshal(raw, &o.NoLocal) == nil
	case "shared":
		return json.Unmarshal(raw, &o.Shared) == nil
	case "payload":
		i, ok := parseWord(raw, payloadWords)
		o.Payload = messages.PayloadMode(i)
		return ok
	case "overflow":
		i, ok := parseWord(raw, overflowWords)
		o.Overflow = messages.Overflow(i)
		return ok
	case "batch":
		i, ok := parseIndex(raw, math.MaxUint16)
		o.Batch = uint16(i)
		return ok
	case "min_interval":
		d, ok := parseSeconds(raw)
		o.MinInterval = d
		return ok
	}
	return false
}

// parseSeconds reads a length of time, in seconds from 0; 0 where it cannot.
func parseSeconds(raw json.RawMessage) (time.Duration, bool) {
	var seconds float64
	if json.Unmarshal(raw, &seconds) != nil || seconds < 0 || seconds > math.MaxInt32 {
		return 0, false
	}
	return time.Duration(math.Round(seconds * float64(time.Second))), true
}

// parseIndex reads a number of 0 to n-1; 0 where it cannot.
func parseIndex(raw json.RawMessage, n int) (int, bool) {
	var i int
	if json.Unmarshal(raw, &i) != nil || i < 0 || i >= n {
		return 0, false
	}
	return i, true
}

// parseWord reads the place of a word in a list; 0 where it cannot.
func parseWord(raw json.RawMessage, words []string) (int, bool) {
	var word string
	_ = json.Unmarshal(raw, &word) // "" is no word of any list
	i := slices.Index(words, word)
	return max(i, 0), i >= 0
}
