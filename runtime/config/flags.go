package config

import (
	"strings"

	"github.com/spf13/pflag"
)

// AddFlags registers --config and one flag for each setting, in the order of
// the table.
func AddFlags(set *pflag.FlagSet) {
	set.SortFlags = false
	set.String(configFlag, "", "YAML or TOML `file` with settings: lower-case names, such as mqtt_host")
	for _, s := range settings {
		addFlag(set, s)
		if s.secret {
			set.String(asFlag(s.env+twin), "", "`path` of a file that holds the value of --"+asFlag(s.env))
		}
	}
}

func addFlag(set *pflag.FlagSet, s setting) {
	help := strings.ReplaceAll(s.help, "`", "")
	if def := s.defaultText(); def != "" {
		help += " (default " + def + ")"
	}
	set.String(asFlag(s.env), "", "`"+string(s.kind)+"`: "+help)
	if s.kind == boolean {
		set.Lookup(asFlag(s.env)).NoOptDefVal = "true"
	}
}

// defaultText is the default as the documentation shows it.
func (s setting) defaultText() string {
	if s.shown != "" {
		return s.shown
	}
	return s.fallback
}
