package arrows_test

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
)

// readmeLines is how long README.md may be: it is read from top to bottom.
const readmeLines = 300

// examples are the documents whose fenced blocks a test runs, and which one.
var examples = map[string]string{
	"README.md":                       "TestReadme in test/e2e",
	"runtime/command/README.md":       "TestReadme in test/e2e and in runtime/worker",
	"runtime/python/README.md":        "TestRecipes in test/e2e",
	"runtime/python/docs/handlers.md": "TestReadme in test/handlers",
}

var (
	fence   = regexp.MustCompile("(?ms)^```.*?^```$")
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	// link is a link or a picture, in Markdown or HTML.
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)|src(?:set)?="([^"]+)"`)
	runbook = regexp.MustCompile(`(?m)runbook_url: (\S+)$`)
	// quoted is what a document says that the program writes.
	quoted = regexp.MustCompile(`“([^”]+)”`)
)

// documents checks that what Markdown files and alerts link to is there, that each example
// is one that a test runs, that what the program is said to write is in its source, and
// that README.md is short.
func documents(tree fs.FS) ([]string, error) {
	texts, err := markdown(tree)
	if err != nil {
		return nil, err
	}
	var faults []string
	quotes := map[string]string{} // and who quotes it
	for name, text := range texts {
		if examples[name] == "" && fence.MatchString(text) {
			faults = append(faults, name+" has an example that no test runs")
		}
		text = fence.ReplaceAllString(text, "")
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			faults = append(faults, deadLink(tree, texts, name, path.Dir(name), m[1]+m[2])...)
		}
		for _, m := range quoted.FindAllStringSubmatch(text, -1) {
			quotes[m[1]] = name
		}
	}
	if n := strings.Count(texts["README.md"], "\n"); n > readmeLines {
		faults = append(faults, fmt.Sprintf("README.md has %d lines, more than %d", n, readmeLines))
	}
	const alerts = "runtime/deploy/prometheus/alerts.yaml"
	if rules, err := fs.ReadFile(tree, alerts); err == nil {
		for _, m := range runbook.FindAllStringSubmatch(string(rules), -1) {
			faults = append(faults, deadLink(tree, texts, alerts, ".", m[1])...)
		}
	}
	if err := forget(tree, quotes); err != nil {
		return nil, err
	}
	for quote, name := range quotes {
		faults = append(faults, fmt.Sprintf("%s: the program does not write %q any more", name, quote))
	}
	slices.Sort(faults)
	return faults, nil
}

// markdown are the documents by their names.
func markdown(tree fs.FS) (map[string]string, error) {
	texts := map[string]string{}
	err := fs.WalkDir(tree, ".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && strings.HasPrefix(e.Name(), ".") && name != ".":
			return fs.SkipDir
		case path.Ext(name) != ".md":
			return nil
		}
		text, err := fs.ReadFile(tree, name)
		texts[name] = string(text)
		return err
	})
	return texts, err
}

// deadLink says what is wrong with a link that stands in a file and counts from a folder.
func deadLink(tree fs.FS, texts map[string]string, name, dir, target string) []string {
	if strings.Contains(target, "://") {
		return nil
	}
	file, anchor, _ := strings.Cut(target, "#")
	if file = path.Join(dir, file); strings.HasPrefix(target, "#") {
		file = name
	}
	if _, err := fs.Stat(tree, file); err != nil {
		return []string{fmt.Sprintf("%s links to %s, which is not there", name, target)}
	}
	if anchor != "" && !slices.Contains(anchors(texts[file]), anchor) {
		return []string{fmt.Sprintf("%s links to %s, and %s has no such heading", name, target, file)}
	}
	return nil
}

// anchors are the names that a forge gives the headings of a text.
func anchors(text string) (list []string) {
	for _, m := range heading.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		name := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(m[1]), "")
		list = append(list, strings.ReplaceAll(name, " ", "-"))
	}
	return list
}

// forget takes out of quotes those that are in the source of the program.
func forget(tree fs.FS, quotes map[string]string) error {
	for _, folder := range []string{"actors", "cmd", "messages", "runtime"} {
		err := fs.WalkDir(tree, folder, func(name string, e fs.DirEntry, err error) error {
			if err != nil || path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
				return nil // what is not there has no source
			}
			source, err := fs.ReadFile(tree, name)
			for quote := range quotes {
				if strings.Contains(string(source), quote) {
					delete(quotes, quote)
				}
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
