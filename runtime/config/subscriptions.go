package config

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"chanmqttproxy/messages"
)

// subscriptionsKey is the list of subscriptions, which has no other source than
// the file.
const subscriptionsKey = "subscriptions"

// subscribe reads the file's subscriptions. One that is at fault leaves the
// others to be looked at.
func (l *loader) subscribe(path string, value any, decode func(messages.Map) (messages.SubscribeCommand, error)) {
	list, ok := entriesOf(value)
	if !ok || len(list) > 0 && decode == nil {
		l.fault(subscriptionsKey+" ("+path+")", errors.New("not a list of subscriptions"))
		return
	}
	for i, entry := range list {
		where := fmt.Sprintf("%s[%d]", subscriptionsKey, i)
		command, err := decodeEntry(entry, decode)
		var fault Fault
		if errors.As(err, &fault) {
			where, err = where+"."+fault.Where, fault.Err
		}
		if err != nil {
			l.fault(where+" ("+path+")", err)
			continue
		}
		l.subscriptions = append(l.subscriptions, subscription{where + " (" + path + ")", command})
	}
}

// subscription is one of those of the file, or of the site, and where it is.
type subscription struct {
	where string
	messages.SubscribeCommand
}

// deliverable finds subscriptions whose messages would be taken for commands.
func (l *loader) deliverable(channel string) (list []messages.SubscribeCommand) {
	for _, s := range l.subscriptions {
		if s.Recipient == channel || slices.Contains(s.Targets, messages.Target{Kind: messages.Channel, Name: channel}) {
			l.fault(s.where, fmt.Errorf("channel %q is the one for commands (MQTT_CHANNEL_NAME): no messages can be delivered there", channel))
			continue
		}
		list = append(list, s.SubscribeCommand)
	}
	return list
}

// entriesOf is a list, however the file's language hands it over; nothing is an
// empty one.
func entriesOf(value any) ([]any, bool) {
	switch v := value.(type) {
	case nil:
		return nil, true
	case []any:
		return v, true
	case []map[string]any:
		list := make([]any, len(v))
		for i, entry := range v {
			list[i] = entry
		}
		return list, true
	}
	return nil, false
}

func decodeEntry(entry any, decode func(messages.Map) (messages.SubscribeCommand, error)) (messages.SubscribeCommand, error) {
	table, ok := entry.(map[string]any)
	if !ok {
		return messages.SubscribeCommand{}, errors.New("not a subscription: give topic, and group, channel or stream")
	}
	body, err := asMap(table)
	if err != nil {
		return messages.SubscribeCommand{}, err
	}
	return decode(body)
}

// asMap makes of a table what Python would send. A key without a value is not
// given.
func asMap(table map[string]any) (messages.Map, error) {
	m := messages.Map{}
	for _, key := range sortedKeys(table) {
		if table[key] == nil {
			continue
		}
		value, err := asValue(table[key])
		if err != nil {
			return nil, Fault{Where: key, Err: err}
		}
		m = append(m, messages.Pair{Key: key, Value: value})
	}
	return m, nil
}

func asValue(value any) (messages.Value, error) {
	switch v := value.(type) {
	case bool, string, float64, int64:
		return v, nil
	case int:
		return int64(v), nil
	case uint64:
		if v <= math.MaxInt64 {
			return int64(v), nil
		}
		return v, nil
	}
	return nil, errors.New("not text, a number, true or false")
}
