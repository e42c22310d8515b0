package deploy_test

import (
	"maps"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestOldModules: README.md says of each direct dependency that is older than a year why it
// stays. It counts from the newest of them, so that nothing fails because time goes by.
func TestOldModules(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{if not (or .Main .Indirect)}}{{.Path}} {{with .Time}}{{.Format \"2006-01-02\"}}{{end}}{{end}}", "all").Output()
	if err != nil {
		t.Fatalf("asking for the age of modules: %v", err)
	}
	released, newest := map[string]time.Time{}, time.Time{}
	for line := range strings.Lines(string(out)) {
		module, day, _ := strings.Cut(strings.TrimSpace(line), " ")
		if at, err := time.Parse(time.DateOnly, day); err == nil {
			released[module] = at
			if at.After(newest) {
				newest = at
			}
		}
	}
	_, section, _ := strings.Cut(read(t, "README.md"), "\n## Modules that are older than a year\n")
	reasons := map[string]string{}
	for _, row := range regexp.MustCompile(`(?m)^\| (\S+) \| (.+) \|$`).FindAllStringSubmatch(section, -1) {
		reasons[row[1]] = row[2]
	}
	for _, module := range slices.Sorted(maps.Keys(released)) {
		old := released[module].Before(newest.AddDate(-1, 0, 0))
		if old != (reasons[module] != "") {
			t.Errorf("%s is of %s, the newest module of %s; README.md says why it stays: %q", module, released[module].Format(time.DateOnly), newest.Format(time.DateOnly), reasons[module])
		}
	}
	for module := range reasons {
		if _, there := released[module]; !there && strings.Contains(module, "/") {
			t.Errorf("README.md says why %s stays, and it is not there", module)
		}
	}
}
