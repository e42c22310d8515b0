package config_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"chanmqttproxy/runtime/config"
)

var update = flag.Bool("update", false, "write the table of settings into the document")

// TestReadme wants the table of settings between the markers of this folder's README.md;
// go test ./runtime/config -update writes it there.
func TestReadme(t *testing.T) {
	t.Parallel()
	const path, begin, end = "README.md", "<!-- config -->\n", "<!-- /config -->"
	readme, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		t.Skip("there is no README.md")
	}
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(readme), begin)
	table, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("README.md has no %s and %s", strings.TrimSpace(begin), end)
	}
	if strings.TrimSpace(table) == strings.TrimSpace(config.Markdown()) {
		return
	}
	if !*update {
		t.Fatal("the table in README.md is not that of the settings: run go test ./runtime/config -update")
	}
	if err := os.WriteFile(path, []byte(before+begin+config.Markdown()+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestMarkdownHasNoRaggedRow(t *testing.T) {
	t.Parallel()
	for line := range strings.Lines(config.Markdown()) {
		if strings.Count(line, "|")-strings.Count(line, `\|`) != 4 {
			t.Errorf("not three cells: %s", line)
		}
	}
}

// TestHelpNamesValues: the help shows the kind of each value, not a word of its description.
func TestHelpNamesValues(t *testing.T) {
	t.Parallel()
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	config.AddFlags(flags)
	flags.VisitAll(func(f *pflag.Flag) {
		if strings.Contains(f.Usage, "`") {
			t.Errorf("--%s: a backquote in %q", f.Name, f.Usage)
		}
	})
}
