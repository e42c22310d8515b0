package chaos

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"chanmqttproxy/messages"
	"chanmqttproxy/test/kit"
)

// Broker is a real broker, which a rig may break.
type Broker interface {
	Addr() string
	// Output is what it logged since it was last started.
	Output() string
	// Kill ends it at once, Stop in order; Start starts it again.
	Kill()
	Stop()
	Start()
	// Freeze has it hang with its connections open, until Thaw.
	Freeze()
	Thaw()
}

// Mosquitto starts a mosquitto whose log tells who subscribes to what.
func Mosquitto(t testing.TB) Broker {
	return kit.Mosquitto(t, "log_type subscribe", "log_type unsubscribe")
}

// RabbitMQ starts a RabbitMQ. It speaks 3.1.1, up to QoS 1.
func RabbitMQ(t testing.TB) Broker { return kit.RabbitMQ(t) }

// speaks5 says whether the broker speaks MQTT 5, and QoS 2.
func (r *Rig) speaks5() bool {
	_, ok := r.Broker.(*kit.MosquittoServer)
	return ok
}

// Subscriptions are the filters that the broker has in the session of each slot, sorted,
// without those of its markers.
func (f Fleet) Subscriptions() map[int][]string {
	f.t.Helper()
	var all map[int][]string
	if r, ok := f.Broker.(*kit.BrokerServer); ok {
		all = rabbitBindings(f.t, r)
	} else {
		all = mosquittoSubscriptions(f.Broker.Output())
	}
	for slot, filters := range all {
		all[slot] = slices.DeleteFunc(filters, func(filter string) bool { return strings.HasPrefix(filter, messages.MarkerTopics) })
	}
	return all
}

// subscribed is a line of mosquitto's log: a session that begins anew, a SUBSCRIBE (with a
// QoS), or an UNSUBSCRIBE.
var subscribed = regexp.MustCompile(`(?m)^\d+: (?:New client connected from \S+ as (` + clientBase + `\S*) \(p\d, c1,|(` + clientBase + `(?:-\d+)?) (?:([012]) )?(.+)$)`)

// mosquittoSubscriptions follows mosquitto's log.
func mosquittoSubscriptions(log string) map[int][]string {
	sessions := map[int]map[string]bool{}
	for _, m := range subscribed.FindAllStringSubmatch(log, -1) {
		slot := slotOf(m[1] + m[2])
		if sessions[slot] == nil || m[1] != "" {
			sessions[slot] = map[string]bool{}
		}
		switch {
		case m[1] != "":
		case m[3] != "":
			sessions[slot][m[4]] = true
		default:
			delete(sessions[slot], m[4])
		}
	}
	all := map[int][]string{}
	for slot, filters := range sessions {
		all[slot] = slices.Sorted(maps.Keys(filters))
	}
	return all
}

// rabbitBindings asks RabbitMQ.
func rabbitBindings(t testing.TB, r *kit.BrokerServer) map[int][]string {
	t.Helper()
	all := map[int][]string{}
	for line := range strings.Lines(kit.RabbitMQCtl(t, r, "list_bindings", "destination_name", "routing_key", "--silent")) {
		queue, key, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		client, ok := strings.CutPrefix(queue, "mqtt-subscription-"+clientBase)
		if ok && key != queue {
			slot := slotOf(clientBase + client[:len(client)-len("qos1")])
			all[slot] = append(all[slot], strings.ReplaceAll(key, ".", "/"))
		}
	}
	for _, filters := range all {
		slices.Sort(filters)
	}
	return all
}

// slotOf is the slot of a client id.
func slotOf(client string) (slot int) {
	_, _ = fmt.Sscanf(strings.TrimPrefix(client, clientBase), "-%d", &slot)
	return slot
}
