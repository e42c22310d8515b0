package main

import (
	"fmt"
	"slices"
	"strings"
)

// speedTable is the rows without Python, in Markdown; empty if none was measured.
func speedTable(results []result) string {
	chosen := slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return scenarioOf(r.scenario).parallel > 0 })
	if !slices.ContainsFunc(chosen, func(r row) bool { return r.line(results) != "" }) {
		return ""
	}
	return table(chosen, results) + faults(chosen, results)
}

// faults are the messages of the worker that did not come as they should have, in a sentence.
func faults(chosen []row, results []result) string {
	lost, twice, reordered := 0.0, 0.0, 0.0
	for _, s := range needed(chosen) {
		lost += total(results, s.name, "lost_key_msgs") + total(results, s.name, "lost")
		twice += total(results, s.name, "dup")
		if !strings.HasPrefix(s.args, "subs") { // there it is counted across topics, and order holds in each
			reordered += total(results, s.name, "reordered")
		}
	}
	return fmt.Sprintf("\nOf the worker's messages %s were lost and %s came twice. In the rows with one topic %s came out of order.\n", number(lost), number(twice), number(reordered))
}

// inShort are the rows that users ask for, by what they are called there.
var inShort = []struct{ row, name string }{
	{"in-0", "inbound, QoS 0"},
	{"in-1", "inbound, QoS 1"},
	{"in-0-wide-client", "inbound, QoS 0, queues for 20,000 messages instead of 100"},
	{"members-100", "inbound, a group with 100 consumers in one process"},
	{"members-100-apart", "inbound, a group with consumers in 100 processes"},
	{"out-0", "outbound, QoS 0"},
	{"out-1", "outbound, QoS 1"},
	{"latency-in", "99th percentile of the latency inbound, 200 a second, ms"},
	{"memory", "memory with 100,000 subscriptions at work, MB"},
	{"start-100k", "start with 100,000 stored subscriptions, until all are granted, s"},
}

// shortSpeedTable is the rows that users ask for, in Markdown; empty if none was measured.
func shortSpeedTable(results []result) string {
	var b strings.Builder
	for _, short := range inShort {
		i := slices.IndexFunc(rows, func(r row) bool { return r.name == short.row })
		if c, measured := rows[i].cells(results); measured {
			if c.way != mosquittoAlone { // the others are explained with the long table
				c.way = ""
			}
			if c.alone && !strings.HasPrefix(c.ratio, "**") { // it would stand there twice
				c.ratio = ""
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", short.name, c.worker, c.compared(), c.ratio)
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return "| | worker | bare loop | ratio |\n|---|--:|--:|--:|\n" + b.String()
}
