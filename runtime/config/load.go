package config

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"

	"chanmqttproxy/messages"
)

// Input is what Load reads.
type Input struct {
	// Flags were registered by AddFlags and are parsed; nil: none.
	Flags *pflag.FlagSet
	// Environ is in the form of os.Environ. A variable that is set to nothing
	// counts as not set.
	Environ []string
	// Subscription decodes one entry of the file's list of subscriptions. Its
	// error may be a Fault, whose Where is a key of the entry. nil: the list is
	// refused.
	Subscription func(messages.Map) (messages.SubscribeCommand, error)
}

// Load reads all sources and checks every value. Its error is Faults, which
// holds everything that is wrong.
func Load(in Input) (*Config, error) {
	l := loader{merged: koanf.New("."), origins: map[string]origin{}}
	l.file(in)
	l.site(in)
	l.credentials(in.Environ)
	l.environment(in.Environ)
	l.flags(in.Flags)
	d := l.draft()
	d.Tracing = l.tracing(in.Environ)
	if len(l.faults) > 0 {
		return nil, append(l.faults, l.warnings...)
	}
	return &d.Config, nil
}

// loader merges the sources, weakest first.
type loader struct {
	merged  *koanf.Koanf
	origins map[string]origin
	ignored []string
	// subscriptions are those of the file.
	subscriptions []subscription
	faults        Faults
	warnings      Faults
}

// fault notes an error, or each of the errors that were joined.
func (l *loader) fault(where string, err error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			l.fault(where, e)
		}
		return
	}
	l.faults = append(l.faults, Fault{Where: where, Err: err})
}

// warn notes what is probably not meant.
func (l *loader) warn(where string, err error) {
	l.warnings = append(l.warnings, Fault{Where: where, Err: err, Warning: true})
}

// add merges one source over those that came before. The values are under
// their names of the environment; form is how the source writes the names.
func (l *loader) add(source Source, place string, form func(string) string, values map[string]any) {
	for _, s := range settings {
		o := origin{source, form(s.env), place}
		if s.secret {
			o = l.reveal(s, o, form(s.env+twin), values)
		}
		if _, given := values[s.env]; given {
			l.origins[s.env] = o
		}
	}
	if err := l.merged.Load(confmap.Provider(values, ""), nil); err != nil {
		l.fault(place, fmt.Errorf("merging it: %w", err))
	}
}

// reveal puts the content of the file that a twin names in the secret's place.
func (l *loader) reveal(s setting, o origin, twinName string, values map[string]any) origin {
	file, given := values[s.env+twin]
	if !given {
		return o
	}
	delete(values, s.env+twin)
	named := origin{o.source, twinName, o.place}
	if _, both := values[s.env]; both {
		l.fault(named.String(), fmt.Errorf("%s is set too: set only one of them", o.name))
		return o
	}
	content, err := os.ReadFile(fmt.Sprint(file))
	if err != nil {
		l.fault(named.String(), fmt.Errorf("reading the secret: %w", err))
		return o
	}
	values[s.env] = strings.TrimRight(string(content), "\r\n")
	return named
}

func (l *loader) environment(environ []string) {
	known, given, unknown := index(asEnv), map[string]any{}, []string{}
	ofKubernetes := slices.ContainsFunc(environ, isServicePort)
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		switch {
		case value == "":
		case isServicePort(entry):
			l.warn(name+" (environment)", errors.New("set by Kubernetes for a service called mqtt: ignored; give the port in MQTT_HOST"))
		case ofKubernetes && (strings.HasPrefix(name, "MQTT_PORT_") || strings.HasPrefix(name, "MQTT_SERVICE_")):
		case known[name] != "":
			given[name] = value
		case strings.HasPrefix(name, "MQTT_"):
			unknown = append(unknown, name)
		}
	}
	l.unknownNames(unknown, given)
	l.add(Environment, Environment.String(), asEnv, given)
}

// isServicePort tells what Kubernetes, or Docker, sets for a service called mqtt.
func isServicePort(entry string) bool {
	return strings.HasPrefix(entry, "MQTT_PORT=tcp://") || strings.HasPrefix(entry, "MQTT_PORT=udp://")
}

// unknownNames tells misspelt names from those of others: a name next to that of
// a setting which is not given is probably a mistake, but may be the site's own.
func (l *loader) unknownNames(unknown []string, given map[string]any) {
	missing := slices.DeleteFunc(names(asEnv), func(env string) bool { return given[env] != nil })
	slices.Sort(unknown)
	for _, name := range unknown {
		if near := cmp.Or(aliasOf(name, missing), nearest(name, missing, "MQTT_")); near != "" {
			l.warn(name+" (environment)", fmt.Errorf("no such setting: ignored; did you mean %s?", near))
			continue
		}
		l.ignored = append(l.ignored, name)
	}
}

func (l *loader) flags(set *pflag.FlagSet) {
	if set == nil {
		return
	}
	known, given := index(asFlag), map[string]any{}
	set.Visit(func(f *pflag.Flag) {
		if env := known[f.Name]; env != "" {
			given[env] = f.Value.String()
		}
	})
	l.add(Flag, Flag.String(), func(env string) string { return "--" + asFlag(env) }, given)
}

// draft reads the merged values, in the order of the table.
func (l *loader) draft() *draft {
	d := &draft{}
	d.Ignored, d.origins = l.ignored, l.origins
	d.written = map[string]string{}
	values := l.merged.Raw()
	for _, s := range settings {
		if err := s.read(d, values[s.env]); err != nil {
			l.fault(d.Where(s.env), err)
		}
	}
	d.Subscriptions = l.deliverable(d.Channel)
	d.finish(func(env string, err error) { l.fault(d.Where(env), err) })
	if err := clearText(d.Broker.Servers); err != nil {
		l.warn(d.Where("MQTT_HOST"), err)
	}
	d.Warnings = l.warnings
	return d
}
