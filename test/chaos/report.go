package chaos

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Check waits until everything that was sent has come, for two minutes at least, and
// reports every way in which the account does not balance: what is lost, comes out of
// nowhere, is out of order, or twice without a fault that explains it.
func (r *Rig) Check(within time.Duration) {
	r.t.Helper()
	in, out := r.Settle(max(within, 2*time.Minute))
	r.check("inbound", r.In, in)
	r.check("outbound", r.Out, out)
	r.checkAnswers()
	r.t.Log("\n" + r.Table(in, out))
}

func (r *Rig) check(way string, a *Account, sum Sum) {
	r.t.Helper()
	if sum.Sent == 0 && r.Load.In+r.Load.Out > 0 && way == "inbound" {
		r.t.Errorf("%s: nothing was sent", way)
	}
	if sum.Lost > 0 {
		r.t.Errorf("%s: %d of %d lost, such as %s", way, sum.Lost, sum.Acked, r.describe(a.Missing(5)))
	}
	if sum.Stray > 0 {
		r.t.Errorf("%s: %d that nobody sent", way, sum.Stray)
	}
	if sum.Late > 0 {
		r.t.Errorf("%s: %d out of order", way, sum.Late)
	}
	if n := len(sum.Skips); n > 0 && sum.Excused == 0 && r.Load.QoS > 0 && r.slots > 1 && way == "inbound" {
		s := sum.Skips[0]
		r.t.Errorf("%s: %d times a topic did not go on with the next message, such as %s for %s: %d after %d, %s", way, n,
			s.Topic, s.Receiver, s.To, s.From, r.Faults.when(s.At))
	}
	if list := r.Faults.Unexplained(sum.Repeats); len(list) > 0 {
		r.t.Errorf("%s: %d repeated without a fault that explains it, such as %s", way, len(list), r.describe(list[:min(5, len(list))]))
	}
}

// checkAnswers reports commands without an answer, and those with more than one though
// nobody died who held the first slot.
func (r *Rig) checkAnswers() {
	r.t.Helper()
	sum := r.Answers.Sum()
	if sum.Lost > 0 {
		r.t.Errorf("%d of %d commands were not answered, such as %s", sum.Lost, sum.Sent, r.describe(r.Answers.Missing(5)))
	}
	if sum.Stray > 0 {
		r.t.Errorf("%d answers to what nobody asked", sum.Stray)
	}
	deaths := Fleet{Rig: r}.deaths()
	var list []Repeat
	for _, repeat := range sum.Repeats {
		if !slices.ContainsFunc(deaths, func(at time.Time) bool {
			return repeat.First.After(at.Add(-3*near)) && repeat.First.Before(at.Add(near)) && repeat.Again.After(at)
		}) {
			list = append(list, repeat)
		}
	}
	if len(list) > 0 {
		r.t.Errorf("%d answers came twice though no holder of slot 0 died, such as %s", len(list), r.describe(list[:min(5, len(list))]))
	}
	if no := r.wishes.refusals(); len(no) > 0 {
		r.t.Errorf("%d commands were refused, such as %s", len(no), no[0])
	}
	if sum.Sent > 0 {
		r.t.Logf("%d commands that want answers, %d answered twice, at %d deaths of a holder of slot 0", sum.Sent, len(sum.Repeats), len(deaths))
	}
}

// describe says when things happened, seen from the nearest fault before.
func (r *Rig) describe(list []Repeat) string {
	var lines []string
	for _, m := range list {
		line := fmt.Sprintf("\n  %s %d for %s, first seen %s", m.Topic, m.Number, m.Receiver, r.Faults.when(m.First))
		if !m.Again.IsZero() {
			line += ", again " + r.Faults.when(m.Again)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "")
}

// when is a moment in relation to the last fault that began before it.
func (f *Faults) when(at time.Time) string {
	text := "before all faults"
	for i, fault := range f.All() {
		if fault.From.Before(at) {
			text = fmt.Sprintf("%v after fault %d (%s, which took %v)", at.Sub(fault.From).Round(time.Millisecond), i,
				fault.Name, fault.To.Sub(fault.From).Round(time.Millisecond))
		}
	}
	return text
}

// Table is the account as a person reads it.
func (r *Rig) Table(in, out Sum) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| | sent | acknowledged | receivers | delivered | lost | repeated | out of order |\n|---|---|---|---|---|---|---|---|\n")
	row := func(way string, s Sum, receivers int) {
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d | %d | %d | %d |\n",
			way, s.Sent, s.Acked, receivers, s.Delivered, s.Lost, len(s.Repeats), s.Late)
	}
	row("in", in, len(r.In.names))
	row("out", out, 1)
	b.WriteString("\n| fault | times | repeats in, out | flowing again after: median | longest |\n|---|---|---|---|---|\n")
	for _, line := range r.Faults.rows(in.Repeats, out.Repeats) {
		b.WriteString(line)
	}
	return b.String()
}

// rows are the lines of a table, one for each kind of fault.
func (f *Faults) rows(in, out []Repeat) []string {
	took := map[string][]time.Duration{}
	repeats := map[string][2]int{}
	var names []string
	for _, fault := range f.All() {
		if took[fault.Name] == nil {
			names = append(names, fault.Name)
		}
		took[fault.Name] = append(took[fault.Name], fault.To.Sub(fault.From))
		n := repeats[fault.Name]
		n[0] += caused(fault, in)
		n[1] += caused(fault, out)
		repeats[fault.Name] = n
	}
	var rows []string
	for _, name := range names {
		times := took[name]
		slices.Sort(times)
		rows = append(rows, fmt.Sprintf("| %s | %d | %d, %d | %v | %v |\n", name, len(times), repeats[name][0], repeats[name][1],
			Percentile(times, 0.5).Round(time.Millisecond), times[len(times)-1].Round(time.Millisecond)))
	}
	return rows
}

// caused counts the repeats that the fault explains.
func caused(f Fault, list []Repeat) int {
	n := 0
	for _, repeat := range list {
		if explained(repeat, []Fault{f}) {
			n++
		}
	}
	return n
}
