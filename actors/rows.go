package actors

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"chanmqttproxy/messages"
)

// row is a subscription as the router's table has it, and all that most subscriptions are. It
// has an actor only while there is something to keep, or many subscribers: see subscriptions. The
// router writes it; what is atomic, any goroutine reads.
type row struct {
	paths  *paths // of the slot
	filter string
	place  int32 // in rows.list; -1: it is not there any more

	answered, named bool // the broker has answered; an actor has had the uid
	asked, granted  byte
	last            string // topic of the last message

	uid           atomic.Uint64 // no other row, or actor, of the filter has it
	since         int64         // when it was made: see arrival
	handled, sent atomic.Uint64 // messages, and how often they were passed on
	lastAt        atomic.Int64  // when a message came, in Unix ns; 0: none has
	live          atomic.Pointer[living]
}

// living is the actor of a subscription.
type living struct {
	Ref[messages.ToSubscription]
	seen   *record
	number uint64 // of what has gone to it; only the router knows it
	idle   uint64 // the number when it was last checked
}

// path is that of the row, and of its actor if it has one.
func (r *row) path() string {
	return r.paths.router + "/" + childName(subscriptionKind, r.filter, r.uid.Load())
}

// count counts a message.
func (r *row) count(d messages.Delivery) {
	r.handled.Store(r.handled.Load() + 1)
	r.sent.Store(r.sent.Load() + uint64(len(d.To)))
	r.lastAt.Store(d.Message.At.UnixNano())
	if r.last = d.Message.Topic; r.last == r.filter {
		r.last = r.filter // the topic is not kept
	}
}

// snapshot is the row as it is now.
func (r *row) snapshot(now time.Time) messages.Actor {
	a := messages.Actor{Path: r.path(), Kind: subscriptionKind, State: messages.StateRow, Since: began.Add(time.Duration(r.since))}
	if live := r.live.Load(); live != nil {
		a = live.seen.snapshot(now)
	}
	a.Handled, a.Sent = r.handled.Load(), r.sent.Load()
	return a
}

// info is what the router knows of the row.
func (r *row) info() messages.SubscriptionInfo {
	f := messages.SubscriptionInfo{
		Filter: r.filter, Asked: r.asked, Granted: r.granted, Answered: r.answered,
		Messages: r.handled.Load(), LastTopic: r.last,
	}
	if f.Messages > 0 {
		f.LastAt = time.Unix(0, r.lastAt.Load())
	}
	return f
}

// rows are the subscriptions of all slots of a process, to be looked at from any goroutine.
type rows struct {
	mu   sync.Mutex
	list []*row
}

func (s *rows) add(r *row) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.place = int32(len(s.list))
	s.list = append(s.list, r)
}

func (s *rows) remove(r *row) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.place < 0 {
		return
	}
	last := len(s.list) - 1
	s.list[r.place] = s.list[last]
	s.list[r.place].place = r.place
	s.list[last] = nil
	s.list, r.place = s.list[:last], -1
}

// sum adds them to what is known of their actors.
func (s *rows) sum(f *messages.ActorKind) {
	f.Handled, f.Sent = 0, 0
	list := s.all("", false)
	f.Rows, f.Actors = max(0, len(list)-f.Actors), len(list) // one that stops may have no row any more
	for _, r := range list {
		f.Handled += r.handled.Load()
		f.Sent += r.sent.Load()
	}
}

// all are the rows whose filters or paths contain a text.
func (s *rows) all(text string, paths bool) []*row {
	s.mu.Lock()
	list := slices.Clone(s.list)
	s.mu.Unlock()
	if text == "" {
		return list
	}
	return slices.DeleteFunc(list, func(r *row) bool {
		return !strings.Contains(r.filter, text) && !(paths && strings.Contains(r.path(), text))
	})
}

// find is the row with that path; nil: there is none.
func (s *rows) find(path string) *row {
	uid, err := strconv.ParseUint(path[strings.LastIndexByte(path, '~')+1:], 10, 64)
	if err != nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.list, func(r *row) bool { return r.uid.Load() == uid && r.path() == path })
	if i < 0 {
		return nil
	}
	return s.list[i]
}

// sortRows sorts by keys that are read once, since they may change meanwhile.
func sortRows(list []*row, by string) {
	type entry struct {
		key uint64
		of  *row
	}
	entries := make([]entry, len(list))
	for i, r := range list {
		entries[i] = entry{0, r}
		switch by {
		case "messages":
			entries[i].key = r.handled.Load()
		case "last":
			entries[i].key = uint64(r.lastAt.Load())
		}
	}
	slices.SortFunc(entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.key, b.key), strings.Compare(a.of.filter, b.of.filter))
	})
	for i, e := range entries {
		list[i] = e.of
	}
}
