package layer

import (
	"encoding/json"
	"slices"

	"chanmqttproxy/messages"
)

// What stands in the tables: beside the fields of registrycodec.go
//
//	["newcomer", kind, name, filter, channel]   {}
//	["epochs"]                                  [[number, sessions], …]
//	["status"]                                  {"epoch", "left", "change"}
//	["filter", filter]                          {"number", "qos" or "refused", …}
//
// An entry that cannot be read is left out, and stays.

const (
	recipientWord = "newcomer"
	filterWord    = "filter"
	epochsField   = `["epochs"]`
	statusField   = `["status"]`
)

func recipientField(n messages.Recipient) string {
	return format([]string{recipientWord, kindWords[n.Target.Kind], n.Target.Name, n.Filter, n.Channel})
}

func filterField(filter string) string { return format([]string{filterWord, filter}) }

// storedEpoch is one layout: its number and its sessions.
type storedEpoch [2]uint64

func formatEpochs(epochs []messages.Epoch) string {
	list := make([]storedEpoch, len(epochs))
	for i, e := range epochs {
		list[i] = storedEpoch{e.Number, uint64(e.Sessions)}
	}
	return format(list)
}

// maxSessions bounds what a layout is believed to have.
const maxSessions = 1 << 16

func parseEpochs(value string) []messages.Epoch {
	var list []storedEpoch
	if json.Unmarshal([]byte(value), &list) != nil {
		return nil
	}
	var epochs []messages.Epoch
	for _, e := range list {
		if e[0] == 0 || e[1] == 0 || e[1] > maxSessions || len(epochs) > 0 && epochs[len(epochs)-1].Number >= e[0] {
			return nil
		}
		epochs = append(epochs, messages.Epoch{Number: e[0], Sessions: int(e[1])})
	}
	return epochs
}

// storedStatus is what a slot says of itself, as it is stored.
type storedStatus struct {
	Epoch  uint64 `json:"epoch"`
	Left   uint64 `json:"left"`
	Change uint64 `json:"change"`
	Ended  uint64 `json:"ended,omitempty"`
}

func parseStatus(value string) messages.SlotStatus {
	var s storedStatus
	if json.Unmarshal([]byte(value), &s) != nil {
		return messages.SlotStatus{}
	}
	return messages.SlotStatus(s)
}

// storedFilter is what a slot says of a filter, as it is stored.
type storedFilter struct {
	Number  uint64         `json:"number,omitempty"`
	QoS     *byte          `json:"qos,omitempty"` // granted
	Refused *storedRefusal `json:"refused,omitempty"`
	Reason  string         `json:"reason,omitempty"`
	Left    uint64         `json:"left,omitempty"`
}

func formatFilter(f messages.FilterStatus) string {
	s := storedFilter{Number: f.Number, Reason: f.Reason, Left: f.Left}
	if f.Granted {
		s.QoS = &f.QoS
	}
	if f.Refusal.Kind != "" {
		s.Refused = &storedRefusal{f.Refusal.Kind, f.Refusal.Code}
	}
	return format(s)
}

func parseFilter(filter, value string) (messages.FilterStatus, bool) {
	var s storedFilter
	if json.Unmarshal([]byte(value), &s) != nil || s.QoS != nil && *s.QoS > 2 {
		return messages.FilterStatus{}, false
	}
	f := messages.FilterStatus{Filter: filter, Number: s.Number, Reason: s.Reason, Left: s.Left}
	if s.QoS != nil {
		f.Granted, f.QoS = true, *s.QoS
	}
	if s.Refused != nil {
		f.Refusal = messages.FilterRefusal{Filter: filter, Kind: s.Refused.Kind, Code: s.Refused.Code}
	}
	return f, true
}

// wordsOf are those of a field that is spelled as it would be written: else it could never
// be removed.
func wordsOf(field string) []string {
	var words []string
	if json.Unmarshal([]byte(field), &words) != nil || format(words) != field || slices.Contains(words[:max(0, len(words)-1)], "") {
		return nil
	}
	return words
}

// take puts an entry, in clear, into what a page tells, and says whether it could be read.
func (e entry) take(p *messages.Page, options *optionsReader) bool {
	switch e.field {
	case epochsField:
		p.Epochs = parseEpochs(e.value)
		return p.Epochs != nil
	case statusField:
		return true // told each time
	}
	words := wordsOf(e.field)
	switch {
	case len(words) == 2 && words[1] != "":
		return e.takeFilter(words[0], words[1], p)
	case len(words) == 3 && words[2] != "":
		return e.takeStored(words, p, options)
	case len(words) == 5 && words[0] == recipientWord:
		return e.takeRecipient(words, p)
	}
	return false
}

func (e entry) takeFilter(word, filter string, p *messages.Page) bool {
	switch {
	case word == leavingWord && e.gone():
		p.Gone = append(p.Gone, filter)
	case word == leavingWord:
		p.Leaving = append(p.Leaving, messages.Leaving{Filter: filter, Number: e.number})
	case word == filterWord && e.gone():
		p.Forgotten = append(p.Forgotten, filter)
	case word == filterWord:
		f, ok := parseFilter(filter, e.value)
		if !ok {
			return false
		}
		p.Filters = append(p.Filters, f)
	default:
		return word == refusedWord // which is for the slot alone
	}
	return true
}

func (e entry) takeStored(words []string, p *messages.Page, options *optionsReader) bool {
	s, _, ok := storedOf(words)
	if !ok {
		return false
	}
	s.Number = e.number
	if e.gone() {
		p.Removed = append(p.Removed, s)
		return true
	}
	readable, clean := options.read(e.value, &s)
	if readable {
		p.Stored = append(p.Stored, s)
	}
	return clean
}

func (e entry) takeRecipient(words []string, p *messages.Page) bool {
	kind := slices.Index(kindWords, words[1])
	if kind < 0 {
		return false
	}
	n := messages.Recipient{
		Target: messages.Target{Kind: messages.TargetKind(kind), Name: words[2]}, Filter: words[3], Channel: words[4], Number: e.number,
	}
	if e.gone() {
		p.RetainedComplete = append(p.RetainedComplete, n)
	} else {
		p.Recipients = append(p.Recipients, n)
	}
	return true
}

// edits are what changes make of the tables, each field once, in the order of the last
// change of each.
type edits struct {
	registry, status []entry
	session          string
}

func editsOf(changes []messages.Change) edits {
	var e edits
	last := map[string]int{} // of each field, in which change it was last
	visit := func(f func(i int, registry bool, field, value string)) {
		for i, c := range changes {
			eachEdit(c, func(registry bool, field, value string) { f(i, registry, field, value) })
		}
	}
	visit(func(i int, _ bool, field, _ string) { last[field] = i })
	visit(func(i int, registry bool, field, value string) {
		switch {
		case last[field] != i:
		case registry:
			e.registry = append(e.registry, entry{field: field, value: value})
		default:
			e.status = append(e.status, entry{field: field, value: value})
		}
	})
	for _, c := range changes {
		if c.Session != "" {
			e.session = c.Session
		}
	}
	return e
}

// eachEdit tells the entries that one change makes.
func eachEdit(c messages.Change, f func(registry bool, field, value string)) {
	if c.Put != nil {
		f(true, storedField(*c.Put), formatOptions(*c.Put))
	}
	if c.Remove != nil {
		f(true, storedField(*c.Remove), "")
	}
	if c.Leaving != "" {
		f(true, leavingField(c.Leaving), "{}")
	}
	if c.Gone != "" {
		f(true, leavingField(c.Gone), "")
	}
	if c.Recipient != nil {
		f(true, recipientField(*c.Recipient), "{}")
	}
	if c.RetainedComplete != nil {
		f(true, recipientField(*c.RetainedComplete), "")
	}
	if len(c.Epochs) > 0 {
		f(true, epochsField, formatEpochs(c.Epochs))
	}
	if c.Status != nil {
		f(false, statusField, format(storedStatus(*c.Status)))
	}
	if c.Filter != nil {
		f(false, filterField(c.Filter.Filter), formatFilter(*c.Filter))
	}
	if c.Forget != "" {
		f(false, filterField(c.Forget), "")
	}
	if r := c.Refusal; r != nil {
		f(false, refusedField(r.Filter), format(storedRefusal{r.Kind, r.Code}))
	}
	if c.Accepted != "" {
		f(false, refusedField(c.Accepted), "")
	}
}
