package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

// The settings of a Django site come as one JSON document, which the Python package
// writes: in the file that CHANMQTTPROXY_SETTINGS_FILE names, or as
// CHANMQTTPROXY_SETTINGS itself where the system has no file without a name.
const (
	siteVariable = "CHANMQTTPROXY_SETTINGS"
	// siteDict is the setting that holds what has no setting of its own.
	siteDict = "CHANMQTTPROXY"
	// siteModule is the key under which the document names the settings module.
	siteModule = "module"
)

// siteNames may stand in the settings by themselves, as the Python package
// chanmqttproxy and Channels have them. All others stand in siteDict.
var siteNames = []string{
	"MQTT_HOST", "MQTT_PORT", "MQTT_USER", "MQTT_PASSWORD", "MQTT_VERSION", "MQTT_CHANNEL_NAME", "CHANNEL_LAYERS",
}

// site reads the settings of the Django site that starts the program.
func (l *loader) site(in Input) {
	text, where, err := siteDocument(in.Environ)
	if text == "" && err == nil {
		return
	}
	var document map[string]json.RawMessage
	if err == nil && json.Unmarshal([]byte(text), &document) != nil {
		err = errors.New("not a JSON object: it is written by manage.py runmqtt, leave it to that")
	}
	if err != nil {
		l.fault(where+" ("+Environment.String()+")", err)
		return
	}
	s := siteReader{loader: l, place: Settings.String(), given: map[string]any{}, forms: map[string]string{}}
	if name, _ := decoded(document[siteModule]).(string); name != "" {
		s.place = name
	}
	delete(document, siteModule)
	s.read(document, in)
	l.add(Settings, s.place, s.form, s.given)
}

// siteDocument finds the document, and the variable that it came by.
func siteDocument(environ []string) (text, where string, err error) {
	path := variable(environ, siteVariable+twin)
	if path == "" {
		return variable(environ, siteVariable), siteVariable, nil
	}
	content, err := os.ReadFile(path)
	if err != nil {
		err = fmt.Errorf("reading Django's settings: %w", err)
	}
	return string(content), siteVariable + twin, err
}

// siteReader collects the settings of one document.
type siteReader struct {
	*loader
	place string
	given map[string]any
	forms map[string]string // how a setting was written, by its name
}

func (s *siteReader) form(env string) string {
	if form := s.forms[env]; form != "" {
		return form
	}
	return env
}

func (s *siteReader) read(document map[string]json.RawMessage, in Input) {
	for _, name := range sortedKeys(document) {
		switch {
		case name == siteDict:
			s.dict(document[name], in)
		case slices.Contains(siteNames, name):
			s.take(name, name, document[name])
		default:
			s.fault(name+" ("+s.place+")", errors.New("not a setting of this program"))
		}
	}
}

// dict reads the setting CHANMQTTPROXY. Its keys may be written in either case.
func (s *siteReader) dict(value json.RawMessage, in Input) {
	var entries map[string]json.RawMessage
	if json.Unmarshal(value, &entries) != nil {
		s.fault(siteDict+" ("+s.place+")", errors.New(`not a dict: give {"MQTT_KEEPALIVE": 30, …}`))
		return
	}
	known := names(asEnv)
	for _, key := range sortedKeys(entries) {
		env, form := strings.ToUpper(key), fmt.Sprintf("%s[%q]", siteDict, key)
		_, twice := s.given[env]
		switch {
		case env == strings.ToUpper(subscriptionsKey):
			s.subscribe(s.place, decoded(entries[key]), in.Subscription)
		case !slices.Contains(known, env):
			s.fault(form+" ("+s.place+")", errors.New("no such setting"+didYouMean(env, known)))
		case twice:
			s.fault(form+" ("+s.place+")", fmt.Errorf("%s is set too: set only one of them", s.form(env)))
		default:
			s.take(env, form, entries[key])
		}
	}
}

// take notes one value. None and empty text count as not given, as in the environment.
func (s *siteReader) take(env, form string, raw json.RawMessage) {
	value := decoded(raw)
	if value == nil || value == "" {
		return
	}
	if env == "CHANNEL_LAYERS" {
		value = string(raw) // a map would lose the order of channel_capacity
	}
	s.given[env], s.forms[env] = value, form
}

// decoded is a JSON value in Go's types: whole numbers are int64, as in YAML.
func decoded(raw json.RawMessage) (value any) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	_ = d.Decode(&value) // a part of what has been read already
	return withNumbers(value)
}

func withNumbers(value any) any {
	switch v := value.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		n, _ := v.Float64() // too large is infinite, which no setting takes
		return n
	case []any:
		for i := range v {
			v[i] = withNumbers(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = withNumbers(v[key])
		}
	}
	return value
}
