package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/knadh/koanf/parsers/toml/v2"
	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/rawbytes"
	"github.com/knadh/koanf/v2"
	yaml3 "go.yaml.in/yaml/v3"
)

// configFlag names the file; it has no other source.
const configFlag = "config"

func (l *loader) file(in Input) {
	flags := in.Flags
	if flags == nil || !flags.Changed(configFlag) {
		return
	}
	path := flags.Lookup(configFlag).Value.String()
	values, err := parseFile(path)
	if err != nil {
		for _, fault := range faultsOf(err) {
			l.fault("--config "+path, fault)
		}
		return
	}
	l.subscribe(path, values[subscriptionsKey], in.Subscription)
	delete(values, subscriptionsKey)
	l.add(File, path, asKey, l.known(path, values))
}

// known keeps the keys that are settings, under their names of the
// environment; the others are faults. A key without a value is not given.
func (l *loader) known(path string, values map[string]any) map[string]any {
	index, given := index(asKey), map[string]any{}
	for _, key := range sortedKeys(values) {
		env, known := index[key]
		switch {
		case !known:
			l.fault(key+" ("+path+")", errors.New("no such setting"+didYouMean(key, append(names(asKey), subscriptionsKey))))
		case values[key] != nil:
			given[env] = values[key]
		}
	}
	return given
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

func parseFile(path string) (map[string]any, error) {
	var parser koanf.Parser
	language := strings.ToLower(filepath.Ext(path))
	switch language {
	case ".yaml", ".yml":
		parser, language = yaml.Parser(), "YAML"
	case ".toml":
		parser, language = toml.Parser(), "TOML"
	default:
		return nil, errors.New("neither YAML nor TOML: its name must end in .yaml, .yml or .toml")
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the file: %w", err)
	}
	if strings.TrimSpace(string(content)) == "" {
		return nil, errors.New("the file is empty: write settings into it, or at least a comment")
	}
	k := koanf.New(".")
	if err := k.Load(rawbytes.Provider(content), parser); err != nil {
		if errors.As(err, new(*yaml3.TypeError)) {
			return nil, err // its texts quote the file: see faultsOf
		}
		return nil, fmt.Errorf("not %s: %s", language, strings.TrimPrefix(harmless(err), "yaml: "))
	}
	return k.Raw(), nil
}

// twice and misplaced are what the parser of YAML says of a key that stands there twice,
// and of something that is no table.
var (
	twice     = regexp.MustCompile(`^line (\d+): mapping key "(\w+)" already defined at line (\d+)$`)
	misplaced = regexp.MustCompile(`^line (\d+): cannot unmarshal `)
)

// faultsOf are the faults of a file that could not be parsed, each in our words.
func faultsOf(err error) []error {
	var all *yaml3.TypeError
	if !errors.As(err, &all) {
		return []error{err}
	}
	var faults []error
	for _, text := range all.Errors {
		switch {
		case twice.MatchString(text):
			text = twice.ReplaceAllString(text, "line $1: $2 is there already, at line $3")
		case misplaced.MatchString(text):
			text = misplaced.FindStringSubmatch(text)[1]
			text = "line " + text + ": settings are wanted, as mqtt_host: localhost"
		default:
			text = harmless(errors.New(text))
		}
		faults = append(faults, errors.New(text))
	}
	return faults
}

var quoted = regexp.MustCompile("(?s)['`\"].*")

// harmless cuts an error of a parser where it begins to quote the file, in
// which secrets may stand.
func harmless(err error) string {
	return strings.TrimSpace(quoted.ReplaceAllString(err.Error(), "…"))
}
