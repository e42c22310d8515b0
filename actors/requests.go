package actors

import (
	"crypto/rand"
	"strings"

	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/actors/commands"
	"chanmqttproxy/messages"
)

// requests keeps the requests whose responses have not come, and gives each up when its time
// is over. commands.Requests decides what becomes of them.

// requestOver comes when a request has waited for as long as it may.
type requestOver struct {
	stamp
	name string
}

type requests struct {
	*env
	incarnation
	session  Ref[messages.ToSession]
	commands Ref[messages.ToCommands]
	store    Ref[messages.ToStore]
	router   Ref[messages.ToRouter]

	waiting *commands.Requests
	timers  map[string]reminder // by the names of the requests
}

func newRequests(deps *env, to *refs) *actor.Props {
	return propsOf(deps, func() actor.Actor {
		return &requests{
			env: deps, session: to.session, commands: to.commands, store: to.store, router: to.router,
			waiting: commands.NewRequests(max(1, deps.Window/2)), timers: map[string]reminder{},
		}
	})
}

// Receive is the requests' table.
func (r *requests) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case messages.Request:
		r.request(m)
	case messages.Connected:
		r.apply(r.waiting.Connected(m.Info))
	case messages.Granted:
		r.apply(r.waiting.Granted(m.Filter, m.Revision))
	case messages.Refused:
		r.apply(r.waiting.Refused(m.Filter, m.Revision, m.Reason))
	case messages.Response:
		r.response(m)
	case messages.Unpublished:
		r.apply(r.waiting.Unpublished(m.Message))
	case *requestOver:
		r.apply(r.waiting.Expire(m.name))
	case messages.Drain:
		r.apply(r.waiting.Stop())
	default:
		r.unhandled(ctx)
	}
}

// release gives back what a message held whose handling panicked.
func (r *requests) release(message any) {
	switch m := message.(type) {
	case messages.Request:
		failCommand(r.commands, m.Receipt)
	case messages.Response:
		giveBack(r.session, m.Token, m.Weight)
	}
}

func (r *requests) request(m messages.Request) {
	name := strings.ToLower(rand.Text())
	r.timers[name] = r.after(m.Timeout, &requestOver{name: name})
	r.apply(r.waiting.Add(name, m))
}

func (r *requests) response(m messages.Response) {
	giveBack(r.session, m.Token, m.Weight)
	e := r.waiting.Response(m.Message)
	if len(e.Ended) == 0 {
		r.Log.Debug("a response for which nobody waits", "topic", m.Message.Topic)
		return
	}
	r.Stats.Responses.Add(1)
	r.apply(e)
}

// apply carries out what was decided. The filter of the responses is stored as leaving: a later
// worker without requests unsubscribes from it.
func (r *requests) apply(e commands.RequestEffects) {
	if e.Subscribe != nil {
		r.store.Tell(messages.Keep{Changes: []messages.Change{{Leaving: e.Subscribe.Filter}}})
		r.router.Tell(*e.Subscribe)
	}
	for _, m := range e.Publish {
		r.session.Tell(m)
	}
	for _, name := range e.Ended {
		r.timers[name].stop()
		delete(r.timers, name)
	}
	for _, m := range e.Replies {
		r.commands.Tell(m)
	}
	for _, m := range e.Withdraw {
		r.session.Tell(m)
	}
	if len(e.Done) > 0 {
		r.commands.Tell(messages.Done{Receipts: e.Done})
	}
	r.Stats.Timeouts.Add(int64(e.TimedOut))
}

func (r *requests) info() any {
	return messages.RequestsInfo{Waiting: r.waiting.Len(), Filter: r.waiting.Filter()}
}
