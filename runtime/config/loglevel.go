package config

import (
	"fmt"
	"log/slog"
	"strings"
)

// components have log levels of their own.
var components = []string{"actors", "http", "layer", "mqtt", "slots"}

// setLogLevel reads a level, and those of components: info,mqtt=debug.
func setLogLevel(d *draft, s string) error {
	for part := range strings.SplitSeq(s, ",") {
		component, level, of := strings.Cut(strings.TrimSpace(part), "=")
		if !of {
			component, level = "", component
		}
		if err := d.setLevel(component, level); err != nil {
			return err
		}
	}
	return nil
}

// setLevel sets the level of a component, or of all others.
func (d *draft) setLevel(component, name string) error {
	level, err := parseLevel(name)
	switch {
	case err != nil:
		return err
	case component == "":
		d.Log.Level = level
		return nil
	}
	for _, known := range components {
		if component == known {
			if d.Log.Levels == nil {
				d.Log.Levels = map[string]slog.Level{}
			}
			d.Log.Levels[component] = level
			return nil
		}
	}
	return fmt.Errorf("%q is not a component%s: there are %s", component, didYouMean(component, components), strings.Join(components, ", "))
}

// parseLevel takes Python's names too, which a site's environment may have.
func parseLevel(s string) (slog.Level, error) {
	levels := map[string]slog.Level{
		"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
		"warning": slog.LevelWarn, "critical": slog.LevelError,
	}
	level, ok := levels[strings.ToLower(s)]
	if !ok {
		return 0, fmt.Errorf("%q is not a log level: give debug, info, warn or error", s)
	}
	return level, nil
}
