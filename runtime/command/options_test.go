package command

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestOptionsEverywhere: the document and the Python package name the options that a
// subscribe may have.
func TestOptionsEverywhere(t *testing.T) {
	t.Parallel()
	readme, python := file(t, "README.md"), file(t, "../python/src/chanmqttproxy/data.py")
	_, class, _ := strings.Cut(python, "class OptionKeys")
	class, _, _ = strings.Cut(class, "\n\n\n")
	var inPython []string
	for _, m := range regexp.MustCompile(`(?m)^    (\w+): `).FindAllStringSubmatch(class, -1) {
		inPython = append(inPython, m[1])
	}
	options := slices.Clone(subscriptionKeys)
	options = slices.DeleteFunc(options, func(key string) bool {
		return slices.Contains([]string{"topic", "group", "channel", "stream"}, key)
	})
	for _, key := range options {
		if !strings.Contains(readme, "\n| `"+key+"` |") {
			t.Errorf("README.md does not describe the option %s", key)
		}
	}
	slices.Sort(options)
	slices.Sort(inPython)
	if !slices.Equal(inPython, options) {
		t.Errorf("OptionKeys of the Python package has %v, want %v", inPython, options)
	}
}

func file(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
