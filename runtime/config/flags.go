package config

import (
	"strings"

	"github.com/spf13/pflag"
)

// AddFlags registers --config and one flag for each setting, in the order of
// the table.
func AddFlags(set *pflag.FlagSet) {
	set.SortFlags = false
	addFlag(set, configFlag, path, "YAML or TOML file with settings, under lower-case names such as mqtt_host")
	for _, s := range settings {
		addFlag(set, asFlag(s.env), s.kind, s.usage())
		if s.secret {
			addFlag(set, asFlag(s.env+twin), path, "A file that holds the value of --"+asFlag(s.env)+".")
		}
	}
}

func addFlag(set *pflag.FlagSet, name string, k kind, usage string) {
	f := set.VarPF(&flagValue{kind: k}, name, "", usage)
	if k == boolean {
		f.NoOptDefVal = "true"
	}
}

// Complete hands each flag of AddFlags, by its name, to do, with what a shell can
// suggest: all its values, or that a file is wanted.
func Complete(do func(flag string, choices []string, file bool)) {
	do(configFlag, nil, true)
	for _, s := range settings {
		do(asFlag(s.env), s.suggestions(), s.kind == path)
		if s.secret {
			do(asFlag(s.env+twin), nil, true)
		}
	}
}

func (s setting) suggestions() []string {
	if s.kind == boolean {
		return []string{"true", "false"}
	}
	return s.choices
}

// usage is the row's line in the help. A word in backquotes would be shown as the name of
// the flag's value.
func (s setting) usage() string {
	help := s.help
	if def := s.defaultText(); def != "" {
		help += " (default " + def + ")"
	}
	return strings.ReplaceAll(help, "`", "")
}

// flagValue takes any text: Load reads it, so that all faults show at once.
type flagValue struct {
	text string
	kind kind
}

// String is the text that was given.
func (v *flagValue) String() string { return v.text }

// Set keeps the text.
func (v *flagValue) Set(text string) error {
	v.text = text
	return nil
}

// Type is what the help calls the value.
func (v *flagValue) Type() string { return string(v.kind) }

// defaultText is the default as the documentation shows it.
func (s setting) defaultText() string {
	if s.shown != "" {
		return s.shown
	}
	return s.fallback
}
