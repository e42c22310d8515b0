package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

func parseBool(s string) (bool, error) {
	switch strings.ToLower(s) {
	case "true", "1", "yes", "on":
		return true, nil
	case "false", "0", "no", "off":
		return false, nil
	}
	return false, fmt.Errorf("%q is neither true nor false", s)
}

func parseNumber(s string, least, most int) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("%q is not a whole number from %d to %d", s, least, most)
	}
	return n, nil
}

// parseDuration reads a number of seconds, or Go's form.
func parseDuration(s string) (time.Duration, error) {
	if d, err := time.ParseDuration(s + "s"); err == nil && isNumber(s) {
		return d, nil
	}
	if d, err := time.ParseDuration(s); err == nil {
		return d, nil
	}
	return 0, fmt.Errorf("%q is not a length of time: give seconds (30), or 500ms, 30s, 5m, 1h", s)
}

func isNumber(s string) bool { return strings.Trim(s, "0123456789.") == "" }

// parseSeconds reads a length of time that MQTT counts in whole seconds.
func parseSeconds(s string, least, most int64) (time.Duration, error) {
	d, err := parseDuration(s)
	if err != nil {
		return 0, err
	}
	if d%time.Second != 0 || d < time.Duration(least)*time.Second || d > time.Duration(most)*time.Second {
		return 0, fmt.Errorf("%s is not a whole number of seconds from %d to %d", s, least, most)
	}
	return d, nil
}
