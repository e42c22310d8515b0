package routing_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"chanmqttproxy/actors/routing"
	"chanmqttproxy/actors/stats"
	"chanmqttproxy/messages"
	"chanmqttproxy/messages/topic"
)

var now = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

func group(name string) messages.Target { return messages.Target{Kind: messages.Group, Name: name} }

func table(most int) *routing.Table {
	return routing.NewTable(routing.NewPairs(&stats.Stats{}, most))
}

// command is a subscribe of "filter group…", with QoS 1 and an answer wanted.
func command(text string) messages.SubscribeCommand {
	words := strings.Fields(text)
	c := messages.SubscribeCommand{Filter: words[0], Options: messages.Options{QoS: 1}, ReplyTo: messages.ReplyTo{Channel: "me"}}
	for _, name := range words[1:] {
		c.Targets = append(c.Targets, group(name))
	}
	return c
}

// subscribed is a table with such subscribes.
func subscribed(texts ...string) *routing.Table {
	t := table(100)
	for _, text := range texts {
		t.Command(&routing.Effects{}, "", command(text), now)
	}
	return t
}

func delivery(topic string, change func(*messages.Delivery)) messages.Delivery {
	d := messages.Delivery{Message: &messages.Message{Topic: topic}, Weight: messages.Whole, Token: messages.Token{Seq: 1}}
	if change != nil {
		change(&d)
	}
	return d
}

// who are the parts, "filter: group, …", sorted.
func who(m routing.Match) string {
	var list []string
	for _, p := range m.Parts {
		var names []string
		for _, s := range p.Subscribers {
			names = append(names, s.Target.Name)
		}
		slices.Sort(names)
		list = append(list, p.Route.Filter+": "+strings.Join(names, ","))
	}
	slices.Sort(list)
	return strings.Join(list, "; ")
}

// TestMatch: each target gets a message once, by the filter in which it has been for the
// longest.
func TestMatch(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		filters []string
		topic   string
		want    string
	}{
		{nil, "a", ""},
		{[]string{"a x"}, "b", ""},
		{[]string{"a x y"}, "a", "a: x,y"},
		{[]string{"a x", "b y"}, "a", "a: x"},
		{[]string{"a/+ x", "a/# x"}, "a/1", "a/+: x"},
		{[]string{"a/# x", "a/+ x"}, "a/1", "a/#: x"},
		{[]string{"a/# x", "a/+ x y"}, "a/1", "a/#: x; a/+: y"},
		{[]string{"# y", "a/# x", "a/+ y"}, "a/1", "#: y; a/#: x"},
	} {
		if got := who(subscribed(test.filters...).Match(delivery(test.topic, nil))); got != test.want {
			t.Errorf("%v, %s: %q, want %q", test.filters, test.topic, got, test.want)
		}
	}
}

// TestNeedsActor: a subscription needs an actor for those who want something held back, and for many.
func TestNeedsActor(t *testing.T) {
	t.Parallel()
	paced := messages.Subscriber{Options: messages.Options{MinInterval: 1}}
	for want, lists := range map[bool][][]messages.Subscriber{
		false: {nil, make([]messages.Subscriber, 8)},
		true:  {{paced}, {{}, paced}, make([]messages.Subscriber, 9)},
	} {
		for _, list := range lists {
			if routing.NeedsActor(list) != want {
				t.Errorf("%v: %v", list, !want)
			}
		}
	}
}

// TestMatchCopies: a copy that the broker sends for some of the filters is for these alone.
func TestMatchCopies(t *testing.T) {
	t.Parallel()
	x := subscribed("a/# x", "a/+ x y")
	for _, test := range []struct {
		filters []string
		want    string
	}{
		{[]string{"a/#"}, "a/#: x"},
		{[]string{"a/+"}, "a/+: y"},
		{[]string{"a/#", "a/+"}, "a/#: x; a/+: y"},
		{[]string{"b"}, ""},
	} {
		got := who(x.Match(delivery("a/1", func(d *messages.Delivery) { d.Identifiers = identifiers(test.filters) })))
		if got != test.want {
			t.Errorf("%v: %q, want %q", test.filters, got, test.want)
		}
	}
}

// TestMatchHeld: a filter of which nothing is held back is preferred.
func TestMatchHeld(t *testing.T) {
	t.Parallel()
	x := subscribed("a/# x", "a/+ x")
	r, _ := x.Get("a/#")
	r.Held = true
	if got := who(x.Match(delivery("a/1", nil))); got != "a/+: x" {
		t.Errorf("got %q", got)
	}
}

// TestMatchRemote: who gets a message from another slot does not get it here.
// What comes of a closed filter goes to nobody here, but for what came before, what may be older, and
// what another filter matches.
func TestMatchClosed(t *testing.T) {
	tab := subscribed("a/# alerts", "a/+ beside")
	r, _ := tab.Get("a/#")
	r.Slot().Leaving = &routing.Leaving{}
	tab.Seen(5)
	tab.Close(r.LeavingNow())
	tab.Seen(9)
	tab.Close(r.LeavingNow())
	for what, c := range map[string]struct {
		change func(*messages.Delivery)
		want   string
	}{
		"before":   {func(d *messages.Delivery) { d.Token.Seq = 5 }, "a/#: alerts; a/+: beside"},
		"after":    {func(d *messages.Delivery) { d.Token.Seq = 6 }, "a/+: beside"},
		"repeated": {func(d *messages.Delivery) { d.Token.Seq, d.Message.Dup = 6, true }, "a/#: alerts; a/+: beside"},
	} {
		if m := tab.Match(delivery("a/b", c.change)); who(m) != c.want || m.Remote != (what == "after") {
			t.Errorf("%s: %q, remote %v", what, who(m), m.Remote)
		}
	}
}

func TestMatchRemote(t *testing.T) {
	t.Parallel()
	for subscribers, want := range map[string]string{"x": "remote", "x y": "a: y, remote", "y": "a: y"} {
		x := subscribed("a " + subscribers)
		x.Here = func(_ messages.Delivery, _ *routing.Route, all []messages.Subscriber) (rest []messages.Subscriber) {
			return slices.DeleteFunc(slices.Clone(all), func(s messages.Subscriber) bool { return s.Target.Name == "x" })
		}
		m := x.Match(delivery("a", nil))
		got := who(m)
		if m.Remote {
			got = strings.TrimPrefix(got+", remote", ", ")
		}
		if got != want {
			t.Errorf("%s: %q, want %q", subscribers, got, want)
		}
	}
}

// TestMatchRetained: a retained message goes to those who wait for one, by the filter of their
// live messages.
func TestMatchRetained(t *testing.T) {
	t.Parallel()
	x := subscribed("a/# x y", "b x")
	retained := delivery("a/1", func(d *messages.Delivery) { d.Message.Retain = true })
	if got := who(x.Match(retained)); got != "" {
		t.Errorf("nobody waits: %q", got)
	}
	c := command("a/+ x")
	c.Retained, c.Recipient = true, "x1"
	var e routing.Effects
	x.Seen(7)
	x.Command(&e, "", c, now)
	if len(e.Recipients) != 1 || e.Recipients[0].After != 7 || e.Recipients[0].Channel != "x1" {
		t.Errorf("recipients: %+v", e.Recipients)
	}
	if got := who(x.Match(retained)); got != "a/#: x; a/+: " {
		t.Errorf("x waits: %q", got)
	}
	x.Complete(messages.RetainedComplete{Target: group("x"), Filter: "a/+", Revision: e.Recipients[0].Revision})
	if got := who(x.Match(retained)); got != "" {
		t.Errorf("all have come: %q", got)
	}
}

func TestMatchResponse(t *testing.T) {
	t.Parallel()
	x := subscribed("# x")
	var e routing.Effects
	x.WantResponses(&e, messages.Desired{Filter: "r/+"})
	if got := wants(e); got != "# overlaps; r/+ overlaps" {
		t.Errorf("asked for %q", got)
	}
	if !x.Match(delivery("r/1", nil)).Response || x.Match(delivery("a", nil)).Response {
		t.Error("what is a response is found by the filter")
	}
}

// wants are what the broker is to be told.
func wants(e routing.Effects) string {
	var list []string
	for _, m := range e.Session {
		switch m := m.(type) {
		case messages.Desired:
			text := m.Filter
			if m.Overlaps {
				text += " overlaps"
			}
			if m.RetainedRevision > 0 && m.RetainedRevision == m.Revision {
				text += " retained"
			}
			list = append(list, text)
		case messages.Undesired:
			list = append(list, "not "+m.Filter)
		}
	}
	return strings.Join(list, "; ")
}

// TestSubscribe: the broker is asked when the subscribers need something else of it.
func TestSubscribe(t *testing.T) {
	t.Parallel()
	qos := func(n byte) func(*messages.SubscribeCommand) {
		return func(c *messages.SubscribeCommand) { c.Options.QoS = n }
	}
	for name, test := range map[string]struct {
		before string
		change func(*messages.SubscribeCommand)
		text   string
		wants  string
		stored int
	}{
		"new filter":      {"a x", nil, "b x", "b", 1},
		"another target":  {"a x", nil, "a y", "", 1},
		"the same":        {"a x", nil, "a x", "", 1}, // Redis may have lost it
		"higher QoS":      {"a x", qos(2), "a y", "a", 1},
		"lower QoS":       {"a x", qos(0), "a y", "", 1},
		"no longer needs": {"a x", qos(0), "a x", "a", 1},
		"overlap":         {"a x", nil, "+ x", "a overlaps; + overlaps", 1},
		"retained":        {"a x", func(c *messages.SubscribeCommand) { c.Retained = true }, "a x", "a retained", 1},
		"two targets":     {"a x", nil, "b x y", "b", 2},
	} {
		x, c := subscribed(test.before), command(test.text)
		if test.change != nil {
			test.change(&c)
		}
		var e routing.Effects
		changes, refused, _ := x.Command(&e, "r", c, now)
		if got := wants(e); got != test.wants || refused != nil || len(changes) != test.stored {
			t.Errorf("%s: asks for %q, want %q; %d stored; %v", name, got, test.wants, len(changes), refused)
		}
	}
}

func TestSubscribeIsRefused(t *testing.T) {
	t.Parallel()
	x := table(2)
	for i, test := range []struct {
		text   string
		shared bool
		code   string
		first  bool
	}{
		{"a x y", false, "", false},
		{"a x", true, messages.CodeRefused, false}, // it is not shared
		{"b x", false, messages.CodeRefused, true},
		{"b x", false, messages.CodeRefused, false},
		{"a y", false, "", false}, // no more than before
	} {
		c := command(test.text)
		c.Options.Shared = test.shared
		_, refused, first := x.Command(&routing.Effects{}, "", c, now)
		if (refused == nil) != (test.code == "") || refused != nil && refused.Code != test.code || first != test.first {
			t.Errorf("%d: %+v, first: %v", i, refused, first)
		}
	}
}

// TestUnsubscribe: a filter goes with its last subscriber, and a target that is in no filter any
// more is idle.
func TestUnsubscribe(t *testing.T) {
	t.Parallel()
	x := subscribed("a x y", "b x")
	for i, test := range []struct {
		filter, target string
		wants          string
		flush, gone    int
		idle           string
	}{
		{"c", "x", "", 0, 0, ""},
		{"a", "z", "", 0, 0, ""},
		{"a", "x", "", 1, 0, ""},
		{"a", "x", "", 0, 0, ""},
		{"a", "y", "not a", 1, 1, "y"},
		{"b", "x", "not b", 1, 1, "x"},
	} {
		var e routing.Effects
		changes := x.Unsubscribe(&e, test.filter, []messages.Target{group(test.target)})
		idle := ""
		for _, target := range e.Idle {
			idle += target.Name
		}
		if wants(e) != test.wants || len(e.Flush) != test.flush || len(e.Gone) != test.gone || idle != test.idle || len(changes) != test.flush+test.gone {
			t.Errorf("%d: %+v, %d changes", i, e, len(changes))
		}
	}
	if filters, targets := x.Len(); filters != 0 || targets != 0 || x.Pairs.All() != 0 {
		t.Errorf("%d filters, %d targets, %d pairs are left", filters, targets, x.Pairs.All())
	}
}

// TestReplies: a subscribe is answered with what the broker says of it, or of a later one.
func TestReplies(t *testing.T) {
	t.Parallel()
	x := table(10)
	var e routing.Effects
	x.Command(&e, "1", command("a x"), now)
	x.Command(&e, "2", command("a y"), now)
	r, _ := x.Get("a")
	if len(e.Answers) != 0 {
		t.Errorf("answered %v", e.Answers)
	}
	got := r.Replies.Decide(routing.Granted(messages.Granted{Revision: r.Desired.Revision, QoS: 2}))
	if len(got) != 2 || got[0].Receipt != "1" || got[0].QoS != 1 {
		t.Errorf("answers: %+v", got)
	}
	e = routing.Effects{}
	x.Command(&e, "3", command("a x"), now)
	if len(e.Answers) != 1 || e.Answers[0].Receipt != "3" {
		t.Errorf("answered at once: %+v", e.Answers)
	}
	r.Replies.Decide(routing.Refused(messages.Refused{Revision: r.Desired.Revision, Reason: "no"}))
	e = routing.Effects{}
	x.Command(&e, "4", command("a x"), now)
	if len(e.Answers) != 0 || wants(e) != "a" {
		t.Errorf("a refused filter is asked for again: %+v, %q", e.Answers, wants(e))
	}
	e = routing.Effects{}
	x.Unsubscribe(&e, "a", r.Targets())
	if len(e.Answers) != 1 || e.Answers[0].Failure == nil || e.Answers[0].Failure.Code != messages.CodeUnsubscribed {
		t.Errorf("after the last has left: %+v", e.Answers)
	}
}

// TestRepliesAreForgotten: whoever was told that the broker has not answered is not kept
// until it does.
func TestRepliesAreForgotten(t *testing.T) {
	t.Parallel()
	var r routing.Replies
	for n := range 1000 {
		r.Wait(messages.Receipt(fmt.Sprint(n)), 0, 1, now.Add(time.Duration(n)*time.Second))
	}
	if got := len(r.Decide(routing.Result{Revision: 1})); got == 0 || got > 20 {
		t.Errorf("%d are kept", got)
	}
}

// TestRestore: what is not allowed any more goes, and what the configuration wants comes.
func TestRestore(t *testing.T) {
	t.Parallel()
	stored := func(filter, target string) messages.Stored {
		return messages.Stored{Filter: filter, Target: group(target), Options: messages.Options{QoS: 1}}
	}
	ended := stored("d", "x")
	ended.Ending = true
	rules := messages.Rules{Static: []messages.SubscribeCommand{command("c x")}}
	x := table(1) // what is stored is not refused
	var e routing.Effects
	changes, leaving := x.Restore(&e, []messages.Stored{stored("a", "x"), stored("b", "x"), ended}, rules, func(filter string) bool { return filter == "b" }, now)
	if got := wants(e); got != "a; c" || len(e.Made) != 2 {
		t.Errorf("asks for %q", got)
	}
	if !slices.Equal(leaving, []string{"b", "d"}) || len(changes) != 5 {
		t.Errorf("leaving %q, changes %+v", leaving, changes)
	}

	// The configuration alone wanted c, and commands a.
	e = routing.Effects{}
	x.Reconfigure(&e, messages.Rules{}, rules, func(string) bool { return false }, now)
	if got := wants(e); got != "not c" {
		t.Errorf("without static subscriptions: %q", got)
	}
	e = routing.Effects{}
	x.Reconfigure(&e, messages.Rules{}, messages.Rules{}, func(string) bool { return true }, now)
	if got := wants(e); got != "not a" {
		t.Errorf("where nothing is allowed: %q", got)
	}
}

// TestDrop: a target that nobody listens at goes, but not if it has just asked again, nor
// what the configuration wants.
func TestDrop(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		asked time.Time
		fixed bool
		want  string
		n     int
	}{
		{now.Add(-time.Second), false, "", 0},
		{now, false, "not a", 2},
		{now, true, "", 1},
	} {
		x, e := subscribed("a x"), routing.Effects{}
		if test.fixed {
			x.Reconfigure(&e, messages.Rules{Static: []messages.SubscribeCommand{command("a x")}}, messages.Rules{}, func(string) bool { return false }, now)
			e = routing.Effects{}
		}
		if changes := x.Drop(&e, "a", group("x"), test.asked); wants(e) != test.want || len(changes) != test.n {
			t.Errorf("%+v: %q, %d changes", test, wants(e), len(changes))
		}
	}
}

// TestGate: deliveries wait until the last Flush is answered.
func TestGate(t *testing.T) {
	t.Parallel()
	var g routing.Gate
	d := delivery("a", nil)
	if g.Hold(d) {
		t.Error("it is open at first")
	}
	g.Flush()
	g.Flush()
	g.Idle(group("x"))
	if !g.Hold(d) || g.Len() != 1 {
		t.Error("it is not closed")
	}
	if held, idle := g.Flushed(); held != nil || idle != nil || g.Open() {
		t.Error("it opens too early")
	}
	if held, idle := g.Flushed(); len(held) != 1 || len(idle) != 1 || !g.Open() || g.Hold(d) {
		t.Errorf("it does not open: %v, %v", held, idle)
	}
}

func identifiers(filters []string) (list []uint32) {
	for _, filter := range filters {
		list = append(list, topic.Identifier(filter))
	}
	return list
}

// TestMatchSharesSubscribers: filters whose only subscriber is the same share what is sent, and
// options that change concern their own filter only.
func TestMatchSharesSubscribers(t *testing.T) {
	t.Parallel()
	x := subscribed("a x", "b x")
	subscribers := func(topic string) *messages.Subscriber { return &x.Match(delivery(topic, nil)).Parts[0].Subscribers[0] }
	if subscribers("a") != subscribers("b") {
		t.Error("two lists")
	}
	var e routing.Effects
	x.Subscribe(&e, messages.SubscribeCommand{Filter: "b", Targets: []messages.Target{subscribers("b").Target}, Options: messages.Options{QoS: 2}}, time.Now())
	if subscribers("b").Options.QoS != 2 || subscribers("a").Options.QoS == 2 {
		t.Error("the options of one filter are those of another")
	}
}

// TestCommandIsNotKept: what is to be stored of a subscribe that is repeated, with other options or
// with the same, has the name of the first, not a part of a command that may be large.
func TestCommandIsNotKept(t *testing.T) {
	t.Parallel()
	x := routing.NewTable(routing.NewPairs(&stats.Stats{}, 10))
	name := func(o messages.Options) *byte {
		var e routing.Effects
		target := messages.Target{Kind: messages.Group, Name: strings.Clone("group")}
		changes, _, _ := x.Command(&e, "r", messages.SubscribeCommand{Filter: "a", Targets: []messages.Target{target}, Options: o}, time.Now())
		return unsafe.StringData(changes[0].Put.Target.Name)
	}
	first := name(messages.Options{})
	if name(messages.Options{}) != first || name(messages.Options{QoS: 1}) != first {
		t.Error("the name is that of a later command")
	}
}
