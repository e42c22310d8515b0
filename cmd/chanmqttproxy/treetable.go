package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"chanmqttproxy/messages"
)

// parts are what the kinds of actors are called, as on the page, which says it in
// runtime/devpage/assets/names.js.
var parts = map[string]string{
	"bridge":     "Worker: starts and stops the other parts",
	"reader":     "Reader: takes commands from Redis",
	"commands":   "Commands: makes sure that each is carried out",
	"router":     "Router: knows who gets which topics",
	"session":    "Session: keeps messages until they are acknowledged",
	"connection": "Connection: talks to the MQTT broker",
	"store":      "Store: keeps subscriptions in Redis",
	"requests":   "Requests: waits for the responses to requests",
}

// shared are the parts of which there may be thousands: one, and several. All belong to
// the router of the first session.
var shared = map[string][2]string{
	"subscription": {"subscription", "subscriptions"},
	"group":        {"writer to a group", "writers to groups"},
	"channel":      {"writer to a channel", "writers to channels"},
	"stream":       {"writer to a stream", "writers to streams"},
}

// asTable shows the parts as a tree, a line each.
func asTable(out io.Writer, event []byte) error {
	var tree seen
	if err := json.Unmarshal(event, &tree); err != nil {
		return fmt.Errorf("reading the worker's answer: %w", err)
	}
	if _, err := io.WriteString(out, tree.sessions()); err != nil {
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "PART\tSTATE\tWAITING\tHANDLED\tRESTARTS\tLAST FAILURE")
	first := true
	for _, a := range tree.Actors {
		depth := strings.Count(a.Path, "/")
		failure := ""
		if a.Failure != nil {
			failure = a.Failure.At.Local().Format("15:04:05 ") + a.Failure.Text
		}
		fmt.Fprintf(table, "%s%s\t%s\t%d\t%d\t%d\t%s\n", strings.Repeat("  ", depth), partName(a), a.State, a.Waiting, a.Handled, a.Restarts, failure)
		if a.Kind == "router" && first {
			first = false
			kinds(table, strings.Repeat("  ", depth+1), tree.Kinds)
		}
	}
	return table.Flush()
}

// partName is what an actor is called, and what it does.
func partName(a messages.Actor) string {
	name, known := parts[a.Kind]
	if !known {
		return a.Kind
	}
	if _, number, several := strings.Cut(a.Path, ":"); several && a.Kind == "bridge" {
		return strings.Replace(name, ":", ", session "+number+":", 1)
	}
	return name
}

// kinds writes a line for all parts of each kind that the others share.
func kinds(table io.Writer, indent string, all []messages.ActorKind) {
	for _, f := range all {
		names, known := shared[f.Kind]
		if !known || f.Actors == 0 {
			continue
		}
		name := names[1]
		if f.Actors == 1 {
			name = names[0]
		}
		fmt.Fprintf(table, "%s%s ×%d\t%s\t%d\t%d\t%d\t\n", indent, name, f.Actors, troubled(f), f.Waiting, f.Handled, f.Restarts)
	}
}

func troubled(f messages.ActorKind) string {
	state := "well"
	if f.Troubled > 0 {
		state = fmt.Sprintf("%d in trouble", f.Troubled)
	}
	if f.Rows > 0 {
		state += fmt.Sprintf(", %d table rows", f.Rows)
	}
	return state
}
