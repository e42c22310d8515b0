package topic_test

import (
	"strings"
	"testing"

	"chanmqttproxy/messages/topic"
)

const (
	letters70k = 70_000
	allowed    = "" // no error expected
)

// valid is each text with a part of the error that is expected for it as a
// topic name, and as a filter.
var valid = []struct{ text, name, filter string }{
	{"a", allowed, allowed},
	{"a/b/c", allowed, allowed},
	{"/", allowed, allowed},
	{"//a//", allowed, allowed},
	{" a b / c ", allowed, allowed},
	{"$SYS/x", allowed, allowed},
	{"Straße/日本/😀", allowed, allowed},
	{"\ufeffbom", allowed, allowed},
	{strings.Repeat("a", topic.MaxBytes), allowed, allowed},
	{strings.Repeat("/", topic.MaxLevels-1), allowed, allowed},
	{"+", "wildcard", allowed},
	{"#", "wildcard", allowed},
	{"+/+/#", "wildcard", allowed},
	{"a/+/b/#", "wildcard", allowed},
	{"/#", "wildcard", allowed},
	{"+/", "wildcard", allowed},
	{"a/#/b", "wildcard", "last level"},
	{"#/", "wildcard", "last level"},
	{"a#", "wildcard", "alone"},
	{"a/b#", "wildcard", "alone"},
	{"a+/b", "wildcard", "alone"},
	{"++", "wildcard", "alone"},
	{"a/+#", "wildcard", "alone"},
	{"", "empty", "empty"},
	{"a\x00b", "U+0000", "U+0000"},
	{"a\nb", "U+000A", "U+000A"},
	{"a\x7f", "U+007F", "U+007F"},
	{"a\u0085", "U+0085", "U+0085"},
	{"a\ufdd0", "U+FDD0", "U+FDD0"},
	{"a\U0001ffff", "U+1FFFF", "U+1FFFF"},
	{"a\xff", "UTF-8", "UTF-8"},
	{"a\xed\xa0\x80", "UTF-8", "UTF-8"}, // a surrogate
	{strings.Repeat("a", topic.MaxBytes+1), "65536", "65536"},
	{strings.Repeat("a", letters70k), "65535", "65535"},
	{strings.Repeat("/", topic.MaxLevels), "201", "201"},
	{"$share/workers/a/+/#", "wildcard", allowed},
	{"$share/w/#", "wildcard", allowed},
	{"$share/w//", allowed, allowed},
	{"$share", allowed, "needs a name"},
	{"$share/", allowed, "needs a name"},
	{"$share//a", allowed, "needs a name"},
	{"$share/w", allowed, "needs a filter"},
	{"$share/w/", allowed, "needs a filter"},
	{"$share/+/a", "wildcard", "must not contain a wildcard"},
	{"$share/w#/a", "wildcard", "must not contain a wildcard"},
	{"$share/w/a/#/b", "wildcard", "last level"},
	{"$shared/a", allowed, allowed},
}

func TestValidate(t *testing.T) {
	t.Parallel()
	for _, test := range valid {
		check(t, "ValidateName", test.text, topic.ValidateName(test.text), test.name)
		check(t, "ValidateFilter", test.text, topic.ValidateFilter(test.text), test.filter)
	}
}

func check(t *testing.T, function, text string, err error, want string) {
	t.Helper()
	switch {
	case want == allowed && err != nil:
		t.Errorf("%s(%.40q): %v", function, text, err)
	case want != allowed && err == nil:
		t.Errorf("%s(%.40q): no error, want one about %q", function, text, want)
	case err != nil && (!strings.Contains(err.Error(), want) || len(err.Error()) > 200):
		t.Errorf("%s(%.40q): %q, want a short error about %q", function, text, err, want)
	}
}

func TestIdentifier(t *testing.T) {
	t.Parallel()
	// Stored at the broker, so these may never change.
	for filter, want := range map[string]uint32{"": 18652621, "a": 67905826, "#": 101486864, "house/+/lamp": 171628656} {
		if got := topic.Identifier(filter); got != want {
			t.Errorf("Identifier(%q) = %d, want %d", filter, got, want)
		}
	}
	for i := range 100_000 {
		filter := strings.Repeat("x", i%50) + string(rune('a'+i%26)) + strings.Repeat("y", i%31)
		if got := topic.Identifier(filter); got < 1 || got > 268_435_455 {
			t.Fatalf("Identifier(%q) = %d, out of range", filter, got)
		}
	}
}
