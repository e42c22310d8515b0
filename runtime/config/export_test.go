package config

import "strings"

// Markdown is the table of all settings for the documentation: one row for
// each, with its name in the environment, its default and its meaning.
func Markdown() string {
	var b strings.Builder
	b.WriteString("| environment | default | |\n|---|---|---|\n")
	for _, s := range settings {
		name := "`" + s.env + "`"
		if s.secret {
			name += " `" + s.env + twin + "`"
		}
		b.WriteString("| " + name + " | " + s.defaultCell() + " | " + strings.ReplaceAll(s.help, "|", `\|`) + " |\n")
	}
	return b.String()
}

func (s setting) defaultCell() string {
	switch {
	case s.shown != "":
		return s.shown
	case s.fallback != "":
		return "`" + s.fallback + "`"
	default:
		return "none"
	}
}
