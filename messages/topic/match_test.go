package topic_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"chanmqttproxy/messages/topic"
)

func TestMatch(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		filter, topic string
		want          bool
	}{
		// The examples of MQTT 4.7.1 to 4.7.3.
		{"sport/tennis/player1/#", "sport/tennis/player1", true},
		{"sport/tennis/player1/#", "sport/tennis/player1/ranking", true},
		{"sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true},
		{"sport/#", "sport", true},
		{"sport/tennis/+", "sport/tennis/player1", true},
		{"sport/tennis/+", "sport/tennis/player1/ranking", false},
		{"sport/+", "sport", false},
		{"sport/+", "sport/", true},
		{"+/+", "/finance", true},
		{"/+", "/finance", true},
		{"+", "/finance", false},
		{"#", "$SYS/monitor/Clients", false},
		{"+/monitor/Clients", "$SYS/monitor/Clients", false},
		{"$SYS/#", "$SYS/monitor/Clients", true},
		{"$SYS/monitor/+", "$SYS/monitor/Clients", true},
		{"ACCOUNTS", "Accounts", false},
		// What the Python worker gets wrong.
		{"+/#", "x", true},
		{"#", "$SYS/x", false},
		{"+/x", "$SYS/x", false},
		{"+/#", "$SYS", false},
		// Others.
		{"#", "x", true},
		{"#", "/", true},
		{"a/#", "ab", false},
		{"a/#", "a", true},
		{"a/+/#", "a", false},
		{"a/+/#", "a/b", true},
		{"/#", "/", true},
		{"+/$x", "a/$x", true},
		{"a/+", "a/$x", true},
		{"a/b", "a", false},
		{"a", "a/b", false},
	} {
		if got := topic.Match(test.filter, test.topic); got != test.want {
			t.Errorf("Match(%q, %q) = %v", test.filter, test.topic, got)
		}
	}
}

func TestCovers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"#", "a/+/c", true},
		{"a/#", "a/+/c", true},
		{"a/#", "a", true},
		{"a/#", "#", false},
		{"a/+", "a/#", false},
		{"#", "$SYS/x", false},
		{"+/x", "$SYS/x", false},
		{"#", "$SYS/#", false},
		{"$SYS/#", "$SYS/x", true},
		{"+/#", "#", true},
		{"+/+/#", "/#", true},
	} {
		if got := topic.Covers(test.a, test.b); got != test.want {
			t.Errorf("Covers(%q, %q) = %v", test.a, test.b, got)
		}
	}
}

// paths are all paths of 1 to depth levels of the alphabet, without the empty
// string.
func paths(alphabet []string, depth int) []string {
	all, longest := []string{}, alphabet
	for range depth {
		all = append(all, longest...)
		var longer []string
		for _, path := range longest {
			for _, level := range alphabet {
				longer = append(longer, path+"/"+level)
			}
		}
		longest = longer
	}
	return slices.DeleteFunc(all, func(path string) bool { return path == "" })
}

// everyFilter is every filter of up to three levels over a small alphabet, and
// each followed by "#".
func everyFilter() []string {
	filters := []string{"#", "/#"}
	for _, path := range paths([]string{"a", "b", "$x", "", "+"}, 3) {
		filters = append(filters, path, path+"/#")
	}
	return filters
}

// everyTopic has one level more than the filters: else "#" would look like "+".
func everyTopic() []string { return paths([]string{"a", "b", "$x", ""}, 4) }

// TestRelations checks Overlap and Covers for all pairs of filters against the
// sets of topics that they match.
func TestRelations(t *testing.T) {
	t.Parallel()
	filters := everyFilter()
	matched := make([][]bool, len(filters))
	for i, filter := range filters {
		if err := topic.ValidateFilter(filter); err != nil {
			t.Fatalf("%q: %v", filter, err)
		}
		for _, name := range everyTopic() {
			matched[i] = append(matched[i], topic.Match(filter, name))
		}
	}
	for i, a := range filters {
		for j, b := range filters {
			overlap, covers := relations(matched[i], matched[j])
			if got := topic.Overlap(a, b); got != overlap {
				t.Errorf("Overlap(%q, %q) = %v", a, b, got)
			}
			if got := topic.Covers(a, b); got != covers {
				t.Errorf("Covers(%q, %q) = %v", a, b, got)
			}
		}
	}
}

func relations(a, b []bool) (overlap, covers bool) {
	covers = true
	for k := range a {
		overlap = overlap || a[k] && b[k]
		covers = covers && (a[k] || !b[k])
	}
	return overlap, covers
}

func FuzzRelations(f *testing.F) {
	f.Add("a/+/#", "a/b", "a/b")
	f.Add("$share/x/a", "#", "$SYS")
	f.Fuzz(func(t *testing.T, a, b, name string) {
		validFilters := topic.ValidateFilter(a) == nil && topic.ValidateFilter(b) == nil
		overlap, covers := topic.Overlap(a, b), topic.Covers(a, b)
		if !validFilters || topic.ValidateName(name) != nil {
			return
		}
		inA, inB := topic.Match(a, name), topic.Match(b, name)
		if inA && inB && !overlap {
			t.Errorf("Overlap(%q, %q) is false but both match %q", a, b, name)
		}
		if inB && !inA && covers {
			t.Errorf("Covers(%q, %q) but only the second matches %q", a, b, name)
		}
		if !topic.Covers(a, a) || !topic.Overlap(a, a) || overlap != topic.Overlap(b, a) {
			t.Errorf("relations of %q and %q are odd", a, b)
		}
	})
}

func ExampleMatch() {
	fmt.Println(topic.Match("house/+/lamp", "house/kitchen/lamp"), topic.Match("house/#", "house"))
	fmt.Println(topic.Match("#", "$SYS/broker/uptime"))
	// Output:
	// true true
	// false
}

func ExampleCovers() {
	for allowed := range strings.SplitSeq("house/#,garden/+", ",") {
		fmt.Println(allowed, topic.Covers(allowed, "house/+/lamp"))
	}
	// Output:
	// house/# true
	// garden/+ false
}
