package config

import "slices"

// reloadable are the settings that may change while the worker runs.
var reloadable = []string{"LOG_LEVEL", "MQTT_ALLOW_SUBSCRIBE", "MQTT_ALLOW_PUBLISH"}

// NeedRestart returns the names of the settings that are others in a later configuration
// and cannot change while the worker runs, sorted.
func (c *Config) NeedRestart(later *Config) (names []string) {
	for _, s := range settings {
		if c.written[s.env] != later.written[s.env] && !slices.Contains(reloadable, s.env) {
			names = append(names, s.env)
		}
	}
	slices.Sort(names)
	return names
}
