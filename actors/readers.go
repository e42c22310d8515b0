package actors

import (
	"slices"
	"strconv"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"chanmqttproxy/actors/commands"
	"chanmqttproxy/actors/reconnect"
	"chanmqttproxy/messages"
)

// readers are the children of the commands actor, one for each host of the layer, and the state of the
// hosts. It logs when hosts come and go.
type readers struct {
	*env
	hosts commands.Hosts
	list  []*actor.PID
}

// start makes the readers. The first one has no number in its name.
func (r *readers) start(ctx actor.Context, to *refs) {
	r.hosts = commands.NewHosts(r.Layer.Hosts(), reconnect.Stable)
	for i := range r.hosts.Len() {
		name := "reader"
		if i > 0 {
			name += ":" + strconv.Itoa(i)
		}
		r.list = append(r.list, spawn(ctx, name, newReader(r.env, to, i)))
	}
}

func (r *readers) stop(ctx actor.Context) {
	for _, reader := range r.list {
		ctx.Stop(reader)
	}
}

// send sends m to the reader of a host.
func (r *readers) send(host int, m messages.ToReader) {
	refOf[messages.ToReader](r.system, r.list[host]).Tell(m)
}

// fetch asks the readers for as many commands as there is room for.
func (r *readers) fetch(room int) {
	for host, limit := range r.hosts.Ask(room, r.Window) {
		if limit > 0 {
			r.send(host, messages.Fetch{Limit: limit})
		}
	}
}

// lost notes that a reader has failed, and says whether Redis is unreachable now. err is nil if it
// was a bug.
func (r *readers) lost(child *actor.PID, err error) (unreachable bool) {
	host := slices.IndexFunc(r.list, child.Equal)
	change := r.hosts.Lost(host, err, time.Now())
	if change == commands.NoChange {
		return false
	}
	reason := r.hosts.ReasonOf(host)
	r.registry.note(child.GetId(), "lost", "no commands can be read: "+reason)
	switch {
	case change == commands.HostUnreachable:
		r.Log.Warn("cannot read commands from one Redis of the channel layer; trying again, the others go on",
			"host", r.hosts.Name(host), "error", err)
		return false
	case reason == commands.NoAnswer:
		r.Log.Warn("Redis is unreachable; trying again until it is back", "error", err)
	default:
		r.Log.Warn("Redis answers, but commands cannot be read; trying again", "error", err)
	}
	r.Stats.LayerLosses.Add(1)
	return true
}

// reached notes that a host is there, and says whether Redis is back now.
func (r *readers) reached(host int) (back bool) {
	switch r.hosts.Reached(host, time.Now()) {
	case commands.LayerUp:
		r.Log.Info("reading commands from Redis")
		return true
	case commands.HostBack:
		r.Log.Info("reading commands again from a Redis of the channel layer", "host", r.hosts.Name(host))
	}
	return false
}
