package config

// Source is the place where a value was given. Higher ones win.
type Source byte

// The sources, weakest first.
const (
	Default Source = iota
	File
	Settings
	Credential
	Environment
	Flag
)

// String names the source as people do.
func (s Source) String() string {
	switch s {
	case Flag:
		return "flag"
	case Environment:
		return "environment"
	case Credential:
		return "systemd credential"
	case Settings:
		return "Django's settings"
	case File:
		return "file"
	default:
		return "default"
	}
}

// origin says where one value came from, in the words of whoever gave it.
type origin struct {
	source Source
	// name is the flag, variable or key under which the value was given.
	name string
	// place is the source, and for a file its path.
	place string
}

func (o origin) String() string { return o.name + " (" + o.place + ")" }

// Source tells where the value of a setting came from. The name is that of the
// environment: "MQTT_HOST". Of an unknown name it is Default.
func (c *Config) Source(env string) Source { return c.origins[env].source }

// Where names a setting as it was given, with its source, for people:
// "--mqtt-host (flag)". The name asked for is that of the environment.
func (c *Config) Where(env string) string {
	if o, given := c.origins[env]; given {
		return o.String()
	}
	return env + " (" + Default.String() + ")"
}
