package main

import (
	"fmt"
	"os"
	"strings"
)

// A block is a table that is written into Markdown files.
type block struct {
	name string
	text func([]result) string
}

var blocks = []block{
	{"sessions", sessionsTable}, {"failover", failoverTable}, {"sizing", sizingTable}, {"peers", peersTable}, {"peers-short", shortPeersTable},
	{"websocket", pagesTable}, {"limits", limitsTable}, {"gc", gcTable}, {"speed", speedTable}, {"speed-short", shortSpeedTable},
}

// fill writes the tables anew that stand in a file. One of which nothing was measured
// stays as it is.
func fill(path string, results []result) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	text := string(content)
	for _, b := range blocks {
		if table := b.text(results); table != "" {
			if text, err = b.in(text, table); err != nil {
				return fmt.Errorf("writing tables into %s: %w", path, err)
			}
		}
	}
	return os.WriteFile(path, []byte(text), 0o644)
}

// in puts a table into a text, where the text has a place for it.
func (b block) in(text, table string) (string, error) {
	begin, end := fmt.Sprintf("<!-- bench %s -->\n", b.name), fmt.Sprintf("<!-- /bench %s -->", b.name)
	before, rest, found := strings.Cut(text, begin)
	if !found {
		return text, nil
	}
	_, after, found := strings.Cut(rest, end)
	if !found {
		return text, fmt.Errorf("%q has no %q", strings.TrimSpace(begin), end)
	}
	return before + begin + table + end + after, nil
}
