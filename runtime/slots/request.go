package slots

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"chanmqttproxy/messages"
)

// answered is the outcome of a request.
type answered struct {
	ask   messages.LeaseAsk
	asked time.Time
	messages.LeaseAnswer
	err error
}

// send sends a request to Redis, and the answer to a channel.
func (k *Keeper) send(ask messages.LeaseAsk, to chan<- answered) {
	a := answered{ask: ask, asked: time.Now()}
	a.LeaseAnswer, a.err = k.Leases.Lease(context.Background(), ask)
	to <- a
}

// pause is how long to wait before the next request.
func (k *Keeper) pause(a answered) time.Duration {
	pause := k.Lease / 6
	if a.err == nil && a.Soonest > 0 {
		pause = min(pause, a.Soonest+5*time.Millisecond)
	}
	return pause
}

// request is what Redis is to know of this worker now, and what it asks for.
func (k *Keeper) request() messages.LeaseAsk {
	k.requestSeq++
	ask := messages.LeaseAsk{
		Worker: k.worker, Name: k.name, RequestSeq: k.requestSeq, Lease: k.Lease, Sessions: k.Sessions,
		Propose: k.proposes(), Leaving: k.leaving, Down: k.isDown(),
		Release: slices.Sorted(maps.Keys(k.release)),
	}
	now := time.Now()
	if !k.view.received.IsZero() {
		ask.Sent = k.view.Now.Add(now.Sub(k.view.received))
	}
	for n, c := range k.cooldown {
		if now.Before(c.until) {
			ask.Cooling = append(ask.Cooling, n)
		}
	}
	for n, h := range k.held {
		if h.lost || k.release[n] {
			continue
		}
		ask.Held = append(ask.Held, h.slot)
		if !h.fence.Open() {
			ask.Doubtful = append(ask.Doubtful, n)
		}
		if n == 0 {
			ask.Layout = h.assignment.Layout()
		}
	}
	return ask
}

// proposes says whether to ask for the configured number of slots. It does until there were as many
// once, and again if Redis has the former number: it may lose the new one before the holder of the
// first slot knows it.
func (k *Keeper) proposes() bool {
	return k.proposed.IsZero() || k.view.Sessions == k.former && time.Since(k.proposed) < insist*k.Lease
}

// isDown says whether the broker is out of reach from here, or was a while ago.
func (k *Keeper) isDown() bool {
	down, there := false, false
	for _, h := range k.held {
		d := h.assignment.Unreachable()
		down = down || d >= downAfter
		there = there || d == 0 && !h.lost && !h.stopping
	}
	switch {
	case down:
		k.down = time.Now()
	case there:
		k.down = time.Time{}
	}
	return !k.down.IsZero() && time.Since(k.down) < memory
}

// logRedis logs once per reason that Redis is unreachable, if nobody else does: what runs
// for a slot has more to say.
func (k *Keeper) logRedis(err error) {
	reason := ""
	var f *messages.LayerFailure
	switch {
	case err == nil:
	case errors.As(err, &f) && f.Answered:
		reason = f.Err.Error()
	default:
		reason = "no answer"
	}
	if reason == k.reason {
		return
	}
	if k.reason = reason; len(k.held) > 0 {
		return
	}
	if reason == "" {
		k.Log.Info("connected to Redis")
		return
	}
	if reason == "no answer" {
		k.Log.Warn("Redis is unreachable; trying again until it is back", "error", err)
	} else {
		k.Log.Warn("Redis answers, but refuses to assign a session slot; trying again", "error", err)
	}
}

// finalRelease releases what was given up last, if Redis answers soon.
func (k *Keeper) finalRelease(asking bool, answers chan answered) {
	timeout := time.After(finalWait)
	for told := false; !told; asking = false {
		if !asking {
			told = true
			go k.send(k.request(), answers)
		}
		select {
		case <-answers:
		case <-timeout:
			return
		}
	}
}
