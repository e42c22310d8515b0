package devpage_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

var imported = regexp.MustCompile(`(?m)^import .* from '\./([a-z]+\.js)';$`)

// views are what app.js opens; they open each other by nav.js.
var views = []string{"bridge.js", "subscriptions.js", "topic.js", "follow.js", "queues.js", "letters.js", "traffic.js", "timeline.js", "log.js", "detail.js"}

// imports are what each script imports.
func imports(t *testing.T) map[string][]string {
	t.Helper()
	files, err := filepath.Glob("assets/*.js")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d scripts: %v", len(files), err)
	}
	all := map[string][]string{}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(file)
		all[name] = nil
		for _, match := range imported.FindAllStringSubmatch(string(content), -1) {
			all[name] = append(all[name], match[1])
		}
	}
	return all
}

// TestScriptsImportNoView: a view can be read without the others.
func TestScriptsImportNoView(t *testing.T) {
	t.Parallel()
	for name, list := range imports(t) {
		for _, other := range list {
			if name != "app.js" && slices.Contains(views, other) {
				t.Errorf("%s imports %s: open it by nav.js", name, other)
			}
		}
	}
}

// TestScriptsHaveNoCircle: nothing imports what imports it, however far.
func TestScriptsHaveNoCircle(t *testing.T) {
	t.Parallel()
	all := imports(t)
	var visit func(path []string)
	visit = func(path []string) {
		for _, next := range all[path[len(path)-1]] {
			if slices.Contains(path, next) {
				t.Fatalf("a circle: %v", append(path, next))
			}
			visit(append(slices.Clone(path), next))
		}
	}
	for name := range all {
		visit([]string{name})
	}
}
