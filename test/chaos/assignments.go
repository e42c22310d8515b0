package chaos

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Assignment is a session slot while one worker could act for it, as the worker's log has it.
type Assignment struct {
	Worker, Slot int
	Epoch        uint64
	// To is when the worker gave the slot up, could no longer act for it since its lease
	// was over, or was killed.
	From, To time.Time
	// Died says that the worker did not give the slot up itself.
	Died bool
}

// What workers write, those of older versions too.
var (
	held     = regexp.MustCompile(`(?m)^time=(\S+) .*msg="holding a session slot" .*\bslot=(\d+) epoch=(\d+)`)
	given    = regexp.MustCompile(`(?m)^time=(\S+) .*msg="(?:session slot (?:given up|removed)|another (?:worker has taken over|MQTT client uses)|a session slot is |another worker holds|another client has).*\bslot=(\d+) epoch=(\d+)(?: closed_for=(\S+))?`)
	takeOver = regexp.MustCompile(`(?m)^\d+: (?:(New client connected) from \S+ as (\S+) |Client (\S+) (already connected)|Client (\S+) (?:disconnected|closed its connection|has exceeded timeout))`)
)

// Assignments are those of all lives of all workers so far, ordered by slot and epoch.
func (f Fleet) Assignments() (list []Assignment) {
	f.t.Helper()
	for i, w := range f.Workers {
		for _, l := range w.lives {
			list = append(list, f.assignments(i, l)...)
		}
	}
	slices.SortFunc(list, func(a, b Assignment) int { return cmp.Or(a.Slot-b.Slot, cmp.Compare(a.Epoch, b.Epoch)) })
	return list
}

func (f Fleet) assignments(worker int, l life) (list []Assignment) {
	f.t.Helper()
	out := l.Output()
	ends, lost := map[string]time.Time{}, map[string]bool{}
	for _, m := range given.FindAllStringSubmatch(out, -1) {
		closed, _ := time.ParseDuration(m[4])
		ends[m[2]+"/"+m[3]], lost[m[2]+"/"+m[3]] = f.time(m[1]).Add(-closed), strings.Contains(m[0], "another ")
	}
	for _, m := range held.FindAllStringSubmatch(out, -1) {
		t := Assignment{Worker: worker, From: f.time(m[1]), To: l.end, Died: l.killed}
		t.Slot, _ = strconv.Atoi(m[2])
		t.Epoch, _ = strconv.ParseUint(m[3], 10, 64)
		if end, ok := ends[m[2]+"/"+m[3]]; ok {
			t.To, t.Died = end, lost[m[2]+"/"+m[3]]
		}
		list = append(list, t)
	}
	return list
}

func (f Fleet) time(text string) time.Time {
	f.t.Helper()
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		f.t.Fatalf("the time of a line of the log: %v", err)
	}
	return at
}

// deaths are when the first slot was lost to a worker that had not given it up.
func (f Fleet) deaths() (list []time.Time) {
	f.t.Helper()
	for _, t := range f.Assignments() {
		if t.Slot == 0 && t.Died {
			list = append(list, t.To)
		}
	}
	for _, w := range f.Workers {
		for _, l := range w.lives { // a worker that was alone does not say what it holds
			if l.killed && !held.MatchString(l.Output()) {
				list = append(list, l.end)
			}
		}
	}
	return list
}

// OneHolder checks that no two workers could act for a slot at once: by their logs, where
// assignments of higher epochs begin after those of lower ones have ended, and by the broker's,
// where no client id has two connections. All workers must have ended.
func (f Fleet) OneHolder() {
	f.t.Helper()
	const resolution = time.Millisecond // of the log
	list := f.Assignments()
	for i, next := range list {
		if i == 0 || list[i-1].Slot != next.Slot {
			continue
		}
		if last := list[i-1]; last.Epoch == next.Epoch || next.From.Before(last.To.Add(-resolution)) {
			f.t.Errorf("two workers held slot %d at once: %v and %v", next.Slot, last, next)
		}
	}
	connects, takeOvers := f.oneConnection()
	f.t.Logf("%d assignments one after another; %d connections of the sessions, %d of which took a session over", len(list), connects, takeOvers)
}

// String is the assignment as a person reads it.
func (t Assignment) String() string {
	return fmt.Sprintf("worker %d from %s to %s in epoch %d", t.Worker, t.From.Format("15:04:05.000"), t.To.Format("15:04:05.000"), t.Epoch)
}

// oneConnection checks by the broker's log that a client id was connected twice at no
// time, and counts how often one was connected, and took over from another connection.
func (f Fleet) oneConnection() (connects, takeOvers int) {
	f.t.Helper()
	live := map[string]bool{}
	if !f.speaks5() {
		return 0, 0 // the log is another's
	}
	for _, m := range takeOver.FindAllStringSubmatch(f.Broker.Output(), -1) {
		client := m[2] + m[3] + m[5]
		switch {
		case !strings.HasPrefix(client, clientBase):
		case m[1] != "":
			if live[client] {
				f.t.Errorf("the broker had two connections of %s at once", client)
			}
			live[client] = true
			connects++
		case m[4] != "":
			takeOvers++
			live[client] = false
		default:
			live[client] = false
		}
	}
	return connects, takeOvers
}

// Connects is how often the sessions of the slots have been connected so far.
func (f Fleet) Connects() int {
	f.t.Helper()
	n, _ := f.oneConnection()
	return n
}
