package actors

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/messages"
)

// inspectTimeout is how long an actor may take to answer Inspect.
const inspectTimeout = 2 * time.Second

// kinds are those of which there may be thousands.
var kinds = []string{"subscription", "group", "channel", "stream"}

// Watch reads the counters of every actor, without sending anything. It takes milliseconds with
// tens of thousands of actors.
func (t *Tree) Watch() messages.Watch {
	now := time.Now()
	w := messages.Watch{At: now}
	sums := map[string]*messages.ActorKind{}
	for _, kind := range kinds {
		sums[kind] = &messages.ActorKind{Kind: kind}
	}
	for _, seen := range t.shared.registry.all() {
		a := seen.snapshot(now)
		if f, ok := sums[a.Kind]; ok {
			sum(f, a, now)
			continue
		}
		w.Actors = append(w.Actors, a)
	}
	t.shared.registry.rows.sum(sums[subscriptionKind])
	slices.SortFunc(w.Actors, func(a, b messages.Actor) int { return cmp.Compare(a.Path, b.Path) })
	for _, kind := range kinds {
		w.Kinds = append(w.Kinds, *sums[kind])
	}
	return w
}

// Waiting is how many messages wait in the mailboxes of actors, by kind. All kinds are in it.
// Like Watch it sends nothing.
func (t *Tree) Waiting() map[string]int {
	waiting := map[string]int{}
	for _, kind := range kinds {
		waiting[kind] = 0
	}
	for _, seen := range t.shared.registry.all() {
		waiting[seen.kind] += seen.waiting()
	}
	return waiting
}

func sum(f *messages.ActorKind, a messages.Actor, now time.Time) {
	f.Actors++
	f.Waiting += a.Waiting
	f.Restarts += a.Restarts
	f.Handled += a.Handled
	f.Sent += a.Sent
	if a.Age > time.Second || a.Failure != nil && now.Sub(a.Failure.At) < time.Minute {
		f.Troubled++
	}
}

// OfKind are the actors of one kind whose names (filters, targets) or paths contain the text,
// in the order of their paths, without info.
func (t *Tree) OfKind(kind, text string) []messages.Actor {
	now := time.Now()
	var list []messages.Actor
	if kind == subscriptionKind {
		for _, r := range t.shared.registry.rows.all(text, true) {
			list = append(list, r.snapshot(now))
		}
	}
	for _, seen := range t.shared.registry.all() {
		if seen.kind == kind && kind != subscriptionKind && (strings.Contains(seen.name, text) || strings.Contains(seen.path, text)) {
			list = append(list, seen.snapshot(now))
		}
	}
	slices.SortFunc(list, func(a, b messages.Actor) int { return cmp.Compare(a.Path, b.Path) })
	return list
}

// Inspect returns the actor with that path and its info, and whether there is one. Without an
// answer in time it has no info.
func (t *Tree) Inspect(path string) (messages.Actor, bool) {
	if r := t.shared.registry.rows.find(path); r != nil {
		a := r.snapshot(time.Now())
		a.Info = t.rows([]*row{r})[0].SubscriptionInfo
		return a, true
	}
	seen, ok := t.shared.registry.find(path)
	if !ok {
		return messages.Actor{}, false
	}
	a := seen.snapshot(time.Now())
	a.Info, _ = t.request(path, messages.Inspect{}).Result()
	return a, true
}

// request sends a question to the actor with that path. The answer comes in time, or never.
func (t *Tree) request(path string, question any) *actor.Future {
	return t.shared.system.Root.RequestFuture(t.shared.system.NewLocalPID(path), question, inspectTimeout)
}

// serving asks a router for the info of filters.
func (t *Tree) serving(router string, filters ...string) map[string]messages.SubscriptionInfo {
	answer, _ := t.request(router, messages.Serving{Filters: filters}).Result()
	info, _ := answer.(map[string]messages.SubscriptionInfo)
	return info
}

// Events are the last events after the one with that Seq, oldest first.
func (t *Tree) Events(after uint64) []messages.LifeEvent {
	return t.shared.registry.events.after(after)
}

// all are the live actors.
func (r *actorRegistry) all() []*record {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]*record, 0, len(r.actors))
	for _, w := range r.actors {
		list = append(list, w)
	}
	return list
}

func (r *actorRegistry) find(path string) (*record, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w, ok := r.actors[path]
	return w, ok
}
