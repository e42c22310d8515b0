package layer

import (
	"context"
	"errors"
	"time"

	"chanmqttproxy/messages"
)

// writing is one Send on its way.
type writing struct {
	destination
	outcome messages.Outcome
	// away are the queues to leave alone; true: the caller said so, else they had
	// no room in an earlier call.
	away  map[string]bool
	known map[string]bool // queues in outcome.FullQueues
}

// write makes the calls one after the other: a queue that had no room in one is
// left alone by those that follow.
func (c *Core) write(ctx context.Context, d destination, skip []string, calls []call) (messages.Outcome, error) {
	w := writing{destination: d, away: map[string]bool{}, known: map[string]bool{}}
	for _, name := range skip {
		w.away[name] = true
	}
	for _, call := range calls {
		for name := range w.away {
			call.args = append(call.args, name)
		}
		answer, err := d.server.sender.do(ctx, call)
		if err == nil {
			err = c.answered(&w, call, answer)
		}
		if err != nil {
			return messages.Outcome{}, d.server.failure("writing to "+d.target.String(), err)
		}
	}
	return w.outcome, nil
}

var errAnswer = errors.New("an answer of Redis that does not fit the script")

// answered takes in what the script says: three counts, and three values for each
// queue that refused.
func (c *Core) answered(w *writing, from call, answer []any) error {
	if len(answer) < 3 || len(answer)%3 != 0 {
		return errAnswer
	}
	stored, ok1 := answer[0].(int64)
	dropped, ok2 := answer[1].(int64)
	names, ok3 := answer[2].(int64)
	if !ok1 || !ok2 || !ok3 {
		return errAnswer
	}
	w.outcome.Stored += int(stored)
	w.outcome.NameBytes += int(names)
	if w.kind == "queue" { // whose tail is in the messages
		w.outcome.NameBytes += int(stored) * len(w.tail)
	}
	w.server.gauges.expired.Add(uint64(max(dropped, 0)))
	if dropped > 0 && w.kind == "queue" {
		c.unread.note(w.server, w.key, time.Now())
	}
	for rest := answer[3:]; len(rest) > 0; rest = rest[3:] {
		name, ok1 := rest[0].(string)
		taken, ok2 := rest[1].(int64)
		members, ok3 := rest[2].([]any)
		if !ok1 || !ok2 || !ok3 {
			return errAnswer
		}
		w.full(name, from.first+int(taken), members)
	}
	return nil
}

// full notes a full queue, unless it is known already: with what it took before.
func (w *writing) full(name string, from int, members []any) {
	if w.known[name] {
		return
	}
	w.known[name] = true
	if w.away[name] {
		from = 0
	} else {
		w.away[name] = false
	}
	w.outcome.FullQueues = append(w.outcome.FullQueues, messages.FullQueue{Queue: w.queue(name, members), From: from})
}
