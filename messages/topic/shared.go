package topic

import "strings"

// unnamed begins the filter of a shared subscription whose name is not known yet: MQTT
// has none without a name [MQTT-4.8.2-1].
const unnamed = "$share//"

// Shared is the filter of a shared subscription, as Named makes one for the broker of it.
func Shared(filter string) string { return unnamed + filter }

// Unshared is the filter without what makes it one of a shared subscription.
func Unshared(filter string) string { return strings.TrimPrefix(filter, unnamed) }

// IsShared tells whether Shared has made the filter.
func IsShared(filter string) bool { return strings.HasPrefix(filter, unnamed) }

// Named gives a shared subscription its name, $share/{name}/{filter} (MQTT 5, 4.8.2);
// other filters stay as they are. What a name must not have is left out of it.
func Named(filter, name string) string {
	if !IsShared(filter) {
		return filter
	}
	return "$share/" + strings.NewReplacer("/", "", "+", "", "#", "").Replace(name) + "/" + Unshared(filter)
}
