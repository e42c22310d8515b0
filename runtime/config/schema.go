package config

import (
	"encoding/json"
	"strings"
)

// Schema is the JSON Schema of the file, for editors and checkers.
func Schema() string {
	properties := map[string]any{}
	for _, s := range settings {
		properties[asKey(s.env)] = s.schema()
		if s.secret {
			properties[asKey(s.env+twin)] = map[string]any{
				"type": []string{"string", "null"}, "description": "A file that holds the value of " + asKey(s.env) + ".",
			}
		}
	}
	properties[subscriptionsKey] = subscriptionsSchema()
	text, err := json.MarshalIndent(map[string]any{
		"$schema":              "https://json-schema.org/draft/2020-12/schema",
		"title":                "chanmqttproxy",
		"type":                 "object",
		"properties":           properties,
		"additionalProperties": false,
	}, "", "  ")
	if err != nil {
		panic(err) // it is made of text
	}
	return string(text) + "\n"
}

// schema describes one setting. Values may always be in text, as they are in the
// environment, and a key without a value is as if it were not there.
func (s setting) schema() map[string]any {
	m := s.kind.schema()
	m["description"] = strings.ReplaceAll(s.usage(), "`", "")
	if s.fallback != "" {
		m["default"] = s.fallback
	}
	if len(s.choices) > 0 {
		m["enum"] = s.enum()
	}
	return m
}

func (k kind) schema() map[string]any {
	switch k {
	case number, duration:
		return map[string]any{"type": []string{"number", "string", "null"}}
	case boolean:
		return map[string]any{"type": []string{"boolean", "string", "null"}}
	case list:
		return map[string]any{"type": []string{"string", "array", "null"}, "items": map[string]any{"type": "string"}}
	case object:
		return layersSchema()
	default:
		return map[string]any{"type": []string{"string", "null"}}
	}
}

// enum holds the choices, as numbers too where they are some.
func (s setting) enum() []any {
	all := []any{nil}
	for _, choice := range s.choices {
		all = append(all, choice)
		var n float64
		if s.kind == number && json.Unmarshal([]byte(choice), &n) == nil {
			all = append(all, json.Number(choice))
		}
	}
	return all
}

// subscriptionsSchema describes the list of subscriptions, whose keys are those of
// mqtt.subscribe.
func subscriptionsSchema() map[string]any {
	text, number, truth := map[string]any{"type": "string"}, map[string]any{"type": "number"}, map[string]any{"type": "boolean"}
	choice := func(values ...string) map[string]any { return map[string]any{"enum": values} }
	return map[string]any{
		"type":        []string{"array", "null"},
		"description": "Subscriptions that are there from the start and stay, with the keys of mqtt.subscribe.",
		"items": map[string]any{
			"type":     "object",
			"required": []string{"topic"},
			"properties": map[string]any{
				"topic": text, "group": text, "channel": text, "stream": text, "qos": map[string]any{"enum": []int{0, 1, 2}}, "no_local": truth,
				"retained": choice("drop", "send"), "payload": choice("auto", "json", "text", "bytes"), "overflow": choice("wait", "drop", "latest"),
				"batch": number, "min_interval": number, "shared": truth,
			},
			"additionalProperties": false,
		},
	}
}

// layersSchema describes Django's CHANNEL_LAYERS as far as names go.
func layersSchema() map[string]any {
	config := map[string]any{}
	for _, key := range sortedKeys(configKeys) {
		config[key] = true
	}
	layer := map[string]any{
		"BACKEND": map[string]any{"enum": []string{coreBackend, pubsubBackend}},
		"CONFIG":  map[string]any{"type": []string{"object", "null"}, "properties": config, "additionalProperties": false},
	}
	for key := range layerKeys {
		if layer[key] == nil {
			layer[key] = true
		}
	}
	return map[string]any{
		"type":     []string{"object", "string", "null"},
		"required": []string{"default"},
		"properties": map[string]any{
			"default": map[string]any{"type": "object", "required": []string{"BACKEND"}, "properties": layer, "additionalProperties": false},
		},
	}
}
