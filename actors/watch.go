package actors

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/messages"
)

// inspectTimeout is how long an actor may take to answer a watcher.
const inspectTimeout = 2 * time.Second

// families are the kinds of which there may be thousands.
var families = []string{"subscription", "group", "channel"}

// Family sums up all actors of one kind.
type Family struct {
	Kind                      string
	Actors, Waiting, Restarts int
	Handled                   uint64
	// Troubled counts those whose mailbox holds something for more than a second,
	// or that failed within the last minute.
	Troubled int
}

// Watch is what can be seen of the tree at a moment.
type Watch struct {
	At       time.Time
	Actors   []messages.Actor // all but the families, parents first
	Families []Family
}

// Watch looks at every actor, without asking any. It takes milliseconds with
// tens of thousands of them.
func (t *Tree) Watch() Watch {
	now := time.Now()
	w := Watch{At: now}
	sums := map[string]*Family{}
	for _, kind := range families {
		sums[kind] = &Family{Kind: kind}
	}
	for _, seen := range t.deps.observer.all() {
		a := seen.look(now)
		if f, ok := sums[a.Kind]; ok {
			f.add(a, now)
			continue
		}
		w.Actors = append(w.Actors, a)
	}
	slices.SortFunc(w.Actors, func(a, b messages.Actor) int { return cmp.Compare(a.Path, b.Path) })
	for _, kind := range families {
		w.Families = append(w.Families, *sums[kind])
	}
	return w
}

func (f *Family) add(a messages.Actor, now time.Time) {
	f.Actors++
	f.Waiting += a.Waiting
	f.Restarts += a.Restarts
	f.Handled += a.Handled
	if a.Age > time.Second || a.Failure != nil && now.Sub(a.Failure.At) < time.Minute {
		f.Troubled++
	}
}

// Members are the actors of one kind whose paths contain the text, in the order
// of their paths, without their facts.
func (t *Tree) Members(kind, text string) []messages.Actor {
	now := time.Now()
	var list []messages.Actor
	for _, seen := range t.deps.observer.all() {
		if seen.kind == kind && strings.Contains(seen.path, text) {
			list = append(list, seen.look(now))
		}
	}
	slices.SortFunc(list, func(a, b messages.Actor) int { return cmp.Compare(a.Path, b.Path) })
	return list
}

// Inspect is one actor with its facts, and whether there is one of that path. An
// actor that does not answer has none.
func (t *Tree) Inspect(path string) (messages.Actor, bool) {
	seen, ok := t.deps.observer.find(path)
	if !ok {
		return messages.Actor{}, false
	}
	a := seen.look(time.Now())
	a.Facts, _ = t.system.Root.RequestFuture(actor.NewPID(t.system.Address(), path), messages.Inspect{}, inspectTimeout).Result()
	return a, true
}

// Story are the happenings after a serial, oldest first; the oldest of all are
// forgotten.
func (t *Tree) Story(after uint64) []messages.Happening { return t.deps.observer.story.after(after) }

// all are the live actors.
func (o *observer) all() []*watched {
	o.mu.Lock()
	defer o.mu.Unlock()
	list := make([]*watched, 0, len(o.actors))
	for _, w := range o.actors {
		list = append(list, w)
	}
	return list
}

func (o *observer) find(path string) (*watched, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	w, ok := o.actors[path]
	return w, ok
}
