package deploy_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write licences.md")

// marks are what the texts of licences can be told by, the most telling first.
var marks = []struct{ name, text string }{
	{"EPL-2.0 or BSD-3-Clause", "Eclipse Distribution License"},
	{"EPL-2.0", "Eclipse Public License"},
	{"MPL-2.0", "Mozilla Public License"},
	{"Apache-2.0", "Apache License"},
	{"MIT", "Permission is hereby granted, free of charge"},
	{"BSD-3-Clause", "Neither the name"},
	{"BSD-2-Clause", "Redistribution and use in source and binary forms"},
}

// licence reads what a module says in its folder.
func licence(t *testing.T, module, dir string) string {
	t.Helper()
	var all string
	for _, pattern := range []string{"LICEN[CS]E*", "COPYING*", "licen[cs]e*"} {
		files, _ := filepath.Glob(filepath.Join(dir, pattern))
		for _, file := range files {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			all += strings.Join(strings.Fields(string(content)), " ")
		}
	}
	for _, mark := range marks {
		if strings.Contains(all, mark.text) {
			return mark.name
		}
	}
	t.Errorf("the licence of %s is not known: add what it can be told by", module)
	return "?"
}

// TestLicences: licences.md lists every module that the program is made of;
// go test ./runtime/deploy -update writes it.
func TestLicences(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Dir}}{{end}}{{end}}", "../../cmd/chanmqttproxy").Output()
	if err != nil {
		t.Fatal(err)
	}
	modules := strings.Split(strings.TrimSpace(string(out)), "\n")
	slices.Sort(modules)
	list := "# Licences of what the program is made of\n\nAnd Go's own library: BSD-3-Clause.\n\n| module | licence |\n|---|---|\n"
	for _, line := range slices.Compact(modules) {
		if module, dir, ok := strings.Cut(line, " "); ok {
			list += fmt.Sprintf("| %s | %s |\n", module, licence(t, module, dir))
		}
	}
	if *update {
		if err := os.WriteFile("licences.md", []byte(list), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if list != read(t, "licences.md") {
		t.Error("licences.md is not that of the program: run go test ./runtime/deploy -update")
	}
}
