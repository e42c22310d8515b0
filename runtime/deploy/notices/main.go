// Command notices writes what the licences of the program's modules ask for: their texts
// and notices, as every build of an image, a package or a wheel ships them. It runs at the
// top of a checkout:
//
//	notices [GOOS...]   the texts, for these systems; by default all that are released
//	notices -table      a table of the modules and the names of their licences
//
// A module whose licence it does not know is an error.
package main

import (
	"bufio"
	"cmp"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// systems are those that are released.
var systems = []string{"linux", "darwin", "windows"}

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

// module is a part of the program with a licence of its own.
type module struct {
	name, version, licence string
	texts                  []string
}

func main() {
	table := flag.Bool("table", false, "write a table of the modules and the names of their licences")
	flag.Parse()
	if flag.NArg() > 0 {
		systems = flag.Args()
	}
	out := bufio.NewWriter(os.Stdout)
	err := write(out, *table)
	if err = cmp.Or(err, out.Flush()); err != nil {
		fmt.Fprintln(os.Stderr, "notices:", err)
		os.Exit(1)
	}
}

func write(out io.Writer, table bool) error {
	modules, err := collect()
	if err != nil {
		return err
	}
	show := fullText
	if table {
		fmt.Fprint(out, "# Licences of what the program is made of\n\n| module | licence |\n|---|---|\n")
		show = func(out io.Writer, m module) { fmt.Fprintf(out, "| %s | %s |\n", m.name, m.licence) }
	}
	for _, m := range modules {
		show(out, m)
	}
	return nil
}

func fullText(out io.Writer, m module) {
	fmt.Fprintf(out, "%s\n%s %s: %s\n\n", strings.Repeat("=", 80), m.name, m.version, m.licence)
	for _, text := range m.texts {
		fmt.Fprintf(out, "%s\n\n", strings.TrimSpace(text))
	}
}

// collect finds the modules of all systems, and Go itself.
func collect() ([]module, error) {
	root, err := output("", "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	version, err := output("", "env", "GOVERSION")
	if err != nil {
		return nil, err
	}
	found := map[string]module{}
	library, err := read("Go's own library", version, root)
	if err != nil {
		return nil, err
	}
	found[""] = library // the first
	for _, system := range systems {
		list, err := output(system, "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}\t{{.Version}}\t{{.Dir}}{{end}}{{end}}", "./cmd/chanmqttproxy")
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(list) {
			name, rest, _ := strings.Cut(strings.TrimSpace(line), "\t")
			version, dir, ok := strings.Cut(rest, "\t")
			if _, known := found[name]; known || !ok {
				continue
			}
			if found[name], err = read(name, version, dir); err != nil {
				return nil, err
			}
		}
	}
	var modules []module
	for _, name := range slices.Sorted(maps.Keys(found)) {
		modules = append(modules, found[name])
	}
	return modules, nil
}

// output is what the go command says for a system; "": for this machine.
func output(system string, args ...string) (string, error) {
	c := exec.Command("go", args...)
	c.Stderr = os.Stderr
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if system != "" {
		c.Env = append(c.Env, "GOOS="+system)
	}
	out, err := c.Output()
	if err != nil {
		return "", fmt.Errorf("asking go %s: %w", args[0], err)
	}
	return strings.TrimSpace(string(out)), nil
}

// read finds a module's licences and notices in its folder.
func read(name, version, dir string) (module, error) {
	m := module{name: name, version: version}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return m, fmt.Errorf("reading the licence of %s: %w", name, err)
	}
	all := ""
	for _, entry := range entries {
		if !isNotice(entry.Name()) || entry.IsDir() {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			return m, fmt.Errorf("reading the licence of %s: %w", name, err)
		}
		m.texts = append(m.texts, string(text))
		all += strings.Join(strings.Fields(string(text)), " ")
	}
	for _, mark := range marks {
		if strings.Contains(all, mark.text) {
			m.licence = mark.name
			return m, nil
		}
	}
	return m, fmt.Errorf("the licence of %s in %s is not known: add what it can be told by", name, dir)
}

// isNotice tells whether a file is one that a licence wants to be shipped.
func isNotice(file string) bool {
	file = strings.ToUpper(file)
	for _, start := range []string{"LICENSE", "LICENCE", "COPYING", "NOTICE", "AUTHORS", "PATENTS"} {
		if strings.HasPrefix(file, start) && filepath.Ext(file) != ".GO" {
			return true
		}
	}
	return false
}
