package arrows_test

import (
	"os"
	"strings"
	"testing"
)

// TestSample: the first consumer of README.md is cut from the sample site.
func TestSample(t *testing.T) {
	t.Parallel()
	text := func(name string) string {
		content, err := os.ReadFile("../../" + name)
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	const begin = "class LightConsumer("
	_, after, found := strings.Cut(text("README.md"), begin)
	consumer, _, closed := strings.Cut(after, "```")
	if !found || !closed {
		t.Fatal("README.md has no first consumer")
	}
	if !strings.Contains(text("test/site/house/consumers.py"), begin+consumer) {
		t.Error("the first consumer of README.md is not the one of test/site/house/consumers.py")
	}
}
