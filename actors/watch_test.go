package actors_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"chanmqttproxy/messages"
)

// find is the actor of that path among those that Watch shows.
func (b *bundle) find(path string) messages.Actor {
	b.Helper()
	list := b.tree.Watch().Actors
	i := slices.IndexFunc(list, func(a messages.Actor) bool { return a.Path == path })
	if i < 0 {
		b.Fatalf("no %s among %v", path, list)
	}
	return list[i]
}

func TestEveryActorCanBeSeen(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		for i := range 30 {
			b.layer.Put(subscribe(fmt.Sprint("a/", i), alerts))
		}
		b.settle()
		b.broker.Send(message("a/1", "x"))
		b.settle()
		w := b.tree.Watch()
		for _, f := range w.Kinds {
			want := map[string]int{"subscription": 30, "group": 1}[f.Kind]
			if f.Actors != want || f.Waiting != 0 || f.Restarts != 0 || f.Troubled != 0 {
				b.Errorf("%d expected: %+v", want, f)
			}
		}
		for _, path := range []string{"bridge", "bridge/router", "bridge/store", "bridge/requests", "bridge/commands", "bridge/commands/reader", "bridge/session", "bridge/session/connection"} {
			a := b.find(path)
			if a.State != messages.StateRunning || a.Failure != nil || a.Kind != path[strings.LastIndexByte(path, '/')+1:] {
				b.Errorf("%+v", a)
			}
			if a, ok := b.tree.Inspect(path); !ok || a.Info == nil && a.Kind != "reader" {
				b.Errorf("no info of %s: %v", path, a.Info)
			}
		}
		if router := b.find("bridge/router"); router.Handled < 32 {
			b.Errorf("the router handled %d messages", router.Handled)
		}
		if list := b.tree.OfKind("subscription", "a%2F1~"); len(list) != 1 || list[0].Handled == 0 {
			b.Errorf("found %v", list)
		}
	})
}

func TestStoryOfALostConnection(t *testing.T) {
	t.Parallel()
	run(t, nil, func(b *bundle) {
		b.pass(time.Second)
		before := b.tree.Events(0)
		b.broker.Drop(messages.Network)
		b.pass(time.Minute)
		var words []string
		for _, h := range b.tree.Events(before[len(before)-1].Seq) {
			if h.Kind == "connection" {
				words = append(words, h.What)
			}
		}
		if !slices.Equal(words, []string{"failed", "lost", "restarted", "waiting", "connected"}) {
			b.Errorf("the events are %q", words)
		}
		if s := b.find("bridge/session/connection"); s.Restarts != 1 || s.Failure == nil || !strings.Contains(s.Failure.Text, "network") {
			b.Errorf("the session is %+v", s)
		}
	})
}
