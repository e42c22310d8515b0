package config

import "strings"

// The forms that a setting's name takes in each source.

func asEnv(env string) string { return env }

func asKey(env string) string { return strings.ToLower(env) }

func asFlag(env string) string {
	return strings.ReplaceAll(strings.ToLower(env), "_", "-")
}

// index leads from the form that a source uses back to the environment's.
func index(form func(env string) string) map[string]string {
	back := map[string]string{}
	for _, env := range names(asEnv) {
		back[form(env)] = env
	}
	return back
}
