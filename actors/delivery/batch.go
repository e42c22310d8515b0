package delivery

import (
	"time"

	"chanmqttproxy/messages"
)

// bundleSpan is the most that the arrivals in one bundle may be apart.
const bundleSpan = time.Second

// bundles groups events, in their order, into what travels as one message of
// the layer: neighbours that ask for it, as many as they ask for.
func bundles(events []messages.Event) []messages.Bundle {
	list := make([]messages.Bundle, 0, len(events))
	for _, e := range events {
		if n := len(list); n > 0 && joins(&list[n-1], e) {
			list[n-1].Events = append(list[n-1].Events, e)
			continue
		}
		list = append(list, messages.Bundle{Events: []messages.Event{e}, Plural: e.Batch > 1})
	}
	return list
}

// joins says whether an event may travel in a bundle that has been begun.
func joins(b *messages.Bundle, e messages.Event) bool {
	first := b.Events[0]
	return b.Plural && e.Batch == first.Batch && len(b.Events) < e.Batch &&
		e.Message.At.Sub(first.Message.At) <= bundleSpan
}

// PackedSize is what a batch measures at most when it is written, in bytes.
func PackedSize(b *messages.Batch) (size int64) {
	for _, bundle := range b.Bundles {
		for _, e := range bundle.Events {
			size += max(int64(e.PackedSize()), e.Size())
		}
	}
	return size
}

// eventsOf are the events of bundles, in their order.
func eventsOf(list []messages.Bundle) []messages.Event {
	var events []messages.Event
	for _, b := range list {
		events = append(events, b.Events...)
	}
	return events
}
