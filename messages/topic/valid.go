package topic

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Limits of a topic name or filter.
const (
	// MaxBytes is the longest string that MQTT can carry [MQTT-4.7.3-3].
	MaxBytes = 65535
	// MaxLevels is the largest number of levels. MQTT itself has no such limit,
	// but Mosquitto closes the connection of a client that sends more.
	MaxLevels = 200
)

const shared = "$share"

// ValidateName tells whether a message may be published to the topic. Its
// errors say what is wrong without repeating the topic, which may be long.
func ValidateName(topic string) error {
	if err := validate("a topic", topic); err != nil {
		return err
	}
	if i := strings.IndexAny(topic, "+#"); i >= 0 { // [MQTT-3.3.2-2]
		return fmt.Errorf("a topic to publish to must not contain the wildcard %q", topic[i])
	}
	return nil
}

// ValidateFilter tells whether the filter may be subscribed to; of a filter
// $share/{name}/{filter} it looks at both parts. Its errors say what is wrong
// without repeating the filter, which may be long.
func ValidateFilter(filter string) error {
	if err := validate("a topic filter", filter); err != nil {
		return err
	}
	if filter == shared || strings.HasPrefix(filter, shared+"/") {
		return validateShared(strings.TrimPrefix(filter[len(shared):], "/"))
	}
	return validateLevels(filter)
}

// ValidateText tells whether MQTT can carry the string: well-formed UTF-8
// [MQTT-1.5.4-1] of at most 65535 bytes, without U+0000 [MQTT-1.5.4-2] and
// without the control and noncharacters that a receiver may treat as malformed
// (section 1.5.4): Mosquitto closes the connection over them.
func ValidateText(s string) error {
	if len(s) > MaxBytes {
		return fmt.Errorf("must be at most %d bytes long in UTF-8, this is %d", MaxBytes, len(s))
	}
	if !utf8.ValidString(s) {
		return errors.New("must be valid UTF-8")
	}
	if i := strings.IndexFunc(s, unwelcome); i >= 0 {
		r, _ := utf8.DecodeRuneInString(s[i:])
		return fmt.Errorf("must not contain the control character or noncharacter %U", r)
	}
	return nil
}

func unwelcome(r rune) bool {
	control := r <= 0x1f || r >= 0x7f && r <= 0x9f
	noncharacter := r >= 0xfdd0 && r <= 0xfdef || r&0xfffe == 0xfffe
	return control || noncharacter
}

func validate(what, s string) error {
	if s == "" { // [MQTT-4.7.3-1]
		return fmt.Errorf("%s must not be empty", what)
	}
	if err := ValidateText(s); err != nil {
		return fmt.Errorf("%s %w", what, err)
	}
	if n := strings.Count(s, "/") + 1; n > MaxLevels {
		return fmt.Errorf("%s must have at most %d levels, this has %d", what, MaxLevels, n)
	}
	return nil
}

func validateLevels(filter string) error {
	for more := true; more; {
		var level string
		level, filter, more = strings.Cut(filter, "/")
		if len(level) > 1 && strings.ContainsAny(level, "+#") { // [MQTT-4.7.1-1], [MQTT-4.7.1-2]
			return errors.New(`the wildcards "+" and "#" must stand alone between slashes, as in a/+/b or a/#`)
		}
		if level == "#" && more { // [MQTT-4.7.1-1]
			return errors.New(`the wildcard "#" must be the last level, as in a/#`)
		}
	}
	return nil
}

// validateShared looks at the {name}/{filter} of a shared subscription.
func validateShared(s string) error {
	name, filter, _ := strings.Cut(s, "/")
	switch {
	case name == "": // [MQTT-4.8.2-1]
		return errors.New("a shared subscription needs a name, as in $share/{name}/{filter}")
	case strings.ContainsAny(name, "+#"): // [MQTT-4.8.2-2]
		return errors.New("the name in $share/{name}/{filter} must not contain a wildcard")
	case filter == "": // [MQTT-4.8.2-2]
		return errors.New("a shared subscription needs a filter, as in $share/{name}/{filter}")
	}
	return validateLevels(filter)
}
