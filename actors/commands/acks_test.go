package commands_test

import (
	"fmt"
	"strings"
	"testing"

	"chanmqttproxy/actors/commands"
	"chanmqttproxy/messages"
)

// received are commands whose receipts are these words.
func received(words string) (list []messages.Received) {
	for _, w := range strings.Fields(words) {
		list = append(list, messages.Received{Receipt: messages.Receipt(w)})
	}
	return list
}

// told is what a round tells Redis.
func told(r commands.Round) string {
	text := fmt.Sprint(r.Receipts)
	for _, b := range r.DeadLetters {
		text += " " + string(b.Receipt) + "!"
	}
	return text
}

// TestAcks begins a round when a run of commands is done, or all, or somebody waits.
func TestAcks(t *testing.T) {
	t.Parallel()
	var many strings.Builder
	for n := range 200 {
		fmt.Fprintf(&many, "r%d ", n)
	}
	for name, c := range map[string]struct {
		fetched string
		done    string
		hurry   bool
		before  func(*commands.Acks)
		want    commands.Ack
	}{
		"nothing is done":      {fetched: "a b", want: commands.AckNothing},
		"all is done":          {fetched: "a b", done: "a b", want: commands.AckNow},
		"one of two is done":   {fetched: "a b", done: "a", want: commands.AckSoon},
		"somebody waits":       {fetched: "a b", done: "a", hurry: true, want: commands.AckNow},
		"a run":                {fetched: many.String(), done: many.String()[:128*5], want: commands.AckNow},
		"one is to begin soon": {fetched: "a b c", done: "a", before: func(a *commands.Acks) { a.Done("b"); a.Next(false) }, want: commands.AckNothing},
		"one is under way":     {fetched: "a b", done: "a", before: func(a *commands.Acks) { a.Done("b"); a.Begin() }, want: commands.AckNothing},
		"one has failed": {fetched: "a b", done: "a", hurry: true, want: commands.AckNothing, before: func(a *commands.Acks) {
			a.Done("b")
			r, _ := a.Begin()
			a.Ended(r, true)
		}},
	} {
		var a commands.Acks
		a.Fetched(received(c.fetched))
		if c.before != nil {
			c.before(&a)
		}
		for _, r := range received(c.done) {
			a.Done(r.Receipt)
		}
		if got := a.Next(c.hurry); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

// TestRounds: what a round has left comes first in the next, and weighs until it is told.
func TestRounds(t *testing.T) {
	t.Parallel()
	var a commands.Acks
	if load := a.Fetched(received("a bb ccc dddd")); load != (commands.Load{Commands: 4, Bytes: 20}) {
		t.Errorf("took %+v", load)
	}
	a.Done("a")
	a.Done("bb")
	a.DeadLetter(messages.DeadLetter{Receipt: "ccc"})
	first, ok := a.Begin()
	if _, again := a.Begin(); !ok || again || told(first) != "[a bb] ccc!" {
		t.Errorf("began %t, again %t, %s", ok, again, told(first))
	}
	a.Done("dddd")
	first.DeadLetters = nil // that part was told
	if gone, failures := a.Ended(first, true); gone != (commands.Load{Commands: 1, Bytes: 6}) || failures != 1 {
		t.Errorf("%+v is gone, %d failures", gone, failures)
	}
	if _, ok := a.Begin(); ok {
		t.Error("a round begins before the time to try again")
	}
	a.Again()
	second, _ := a.Begin()
	if told(second) != "[a bb dddd]" || a.Idle(0) {
		t.Errorf("then %s", told(second))
	}
	if gone, failures := a.Ended(commands.Round{}, false); gone.Commands != 3 || failures != 0 || a.UnderWay() != (commands.Load{}) || !a.Idle(0) {
		t.Errorf("%+v is gone, %d failures, %+v under way", gone, failures, a.UnderWay())
	}
	a.Fetched(received("e"))
	if a.Idle(0) || !a.Idle(1) {
		t.Error("a command that stays is not told from one that is under way")
	}
}
