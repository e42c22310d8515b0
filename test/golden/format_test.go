package golden_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"chanmqttproxy/test/golden"
)

var update = flag.Bool("update", false, "format the golden files")

// TestOneCaseALine: the files are as Format writes them, whoever made them.
func TestOneCaseALine(t *testing.T) {
	names, err := filepath.Glob("*.json")
	if err != nil || len(names) == 0 {
		t.Fatal("no golden files", err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		want, err := golden.Format(data)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if bytes.Equal(data, want) {
			continue
		}
		if !*update {
			t.Errorf("%s has not one case a line: go test ./test/golden -update", name)
		} else if err := os.WriteFile(name, want, 0o644); err != nil {
			t.Error(err)
		}
	}
}
