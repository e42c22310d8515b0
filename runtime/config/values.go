package config

import (
	"fmt"
	"math"
	"strings"
	"time"

	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

func setText(field func(*draft) *string) func(*draft, string) error {
	return func(d *draft, s string) error {
		*field(d) = s
		return nil
	}
}

func setBool(field func(*draft) *bool) func(*draft, string) error {
	return func(d *draft, s string) (err error) {
		*field(d), err = parseBool(s)
		return err
	}
}

func setQoS(field func(*draft) *byte) func(*draft, string) error {
	return func(d *draft, s string) error {
		n, err := parseNumber(s, 0, 2)
		*field(d) = byte(n)
		return err
	}
}

func setPort(d *draft, s string) (err error) {
	d.port, err = parseNumber(s, 1, math.MaxUint16)
	return err
}

func setReceiveMaximum(d *draft, s string) error {
	n, err := parseNumber(s, 1, math.MaxUint16)
	d.Broker.ReceiveMaximum = uint16(n)
	return err
}

func setVersion(d *draft, s string) error {
	switch s {
	case "50", "5", "5.0":
		d.Broker.Version = messages.MQTT5
	case "311", "3.1.1":
		d.Broker.Version = messages.MQTT311
	default:
		return fmt.Errorf("%q is not a version of MQTT: give 50 or 311", s)
	}
	return nil
}

// setUser and setClientID ask what MQTT asks of a string [MQTT-1.5.4-1]
// [MQTT-1.5.4-2].
func setUser(d *draft, s string) error {
	d.Broker.User = s
	return topic.ValidateText(s)
}

func setClientID(d *draft, s string) error {
	d.Broker.ClientID = s
	return topic.ValidateText(s)
}

// setChannel wants a general channel: one with "!" belongs to a consumer.
func setChannel(d *draft, s string) error {
	d.Channel = s
	if strings.Contains(s, "!") {
		return fmt.Errorf(`%q is the channel of a consumer: give a name without "!"`, s)
	}
	return messages.ValidChannel(s)
}

func setStatusGroup(d *draft, s string) error {
	d.StatusGroup = s
	return messages.ValidGroup(s)
}

// setFilters reads a comma list of topic filters.
func setFilters(into func(*draft) *[]string) func(*draft, string) error {
	return func(d *draft, s string) error {
		var filters []string
		for filter := range strings.SplitSeq(s, ",") {
			filter = strings.TrimSpace(filter)
			if err := topic.ValidateFilter(filter); err != nil {
				return fmt.Errorf("the filter %q: %w", filter, err)
			}
			if strings.HasPrefix(filter, "$share/") {
				return fmt.Errorf("the filter %q: give it without $share and the name", filter)
			}
			filters = append(filters, filter)
		}
		*into(d) = filters
		return nil
	}
}

func setKeepAlive(d *draft, s string) (err error) {
	d.Broker.KeepAlive, err = parseSeconds(s, 1, math.MaxUint16)
	return err
}

func setSessionExpiry(d *draft, s string) (err error) {
	d.Broker.SessionExpiry, err = parseSeconds(s, 0, math.MaxUint32)
	return err
}

// setWait reads how long to wait for something.
func setWait(field func(*draft) *time.Duration) func(*draft, string) error {
	return func(d *draft, s string) error {
		wait, err := parseDuration(s)
		if err == nil && (wait < 100*time.Millisecond || wait > time.Hour) {
			err = fmt.Errorf("%s is not between 100ms and 1h", s)
		}
		*field(d) = wait
		return err
	}
}

func setShutdownTimeout(d *draft, s string) (err error) {
	d.ShutdownTimeout, err = parseDuration(s)
	if err == nil && d.ShutdownTimeout <= 0 {
		err = fmt.Errorf("%s is too short: give more than 0", s)
	}
	return err
}

func setSessionLease(d *draft, s string) (err error) {
	d.Broker.SessionLease, err = parseDuration(s)
	if err == nil && (d.Broker.SessionLease < 500*time.Millisecond || d.Broker.SessionLease > time.Minute) {
		err = fmt.Errorf("%s is not between 500ms and 1m", s)
	}
	return err
}

func setSubscriptionIdle(d *draft, s string) (err error) {
	d.SubscriptionIdle, err = parseDuration(s)
	if err == nil && (d.SubscriptionIdle < 0 || d.SubscriptionIdle > 0 && d.SubscriptionIdle < time.Second) {
		err = fmt.Errorf("%s is too short: give a second or more, or 0 for never", s)
	}
	return err
}

func setDeadLetterAge(d *draft, s string) (err error) {
	d.Bounds.DeadLetterAge, err = parseSeconds(s, 1, math.MaxInt32)
	return err
}

// setNumber reads a whole number within bounds.
func setNumber(least, most int, into func(*draft) *int) func(*draft, string) error {
	return func(d *draft, s string) (err error) {
		*into(d), err = parseNumber(s, least, most)
		return err
	}
}

func setLogFormat(d *draft, s string) error {
	d.Log.Format = LogFormat(strings.ToLower(s))
	switch d.Log.Format {
	case LogAuto, LogText, LogJSON:
		return nil
	}
	return fmt.Errorf("%q is no log format: give text or json", s)
}
