package layer

import (
	"context"
	_ "embed" // the script
	"errors"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
)

//go:embed lease.lua
var leaseSource string

var leaseScript = redis.NewScript(leaseSource)

// leasesFor is how long leases are remembered that nobody asks for any more: longer
// than the clocks of workers that come back could be wrong by.
const leasesFor = 24 * time.Hour

// Lease asks for session slots, tells what the worker does with those that it has, and
// renews them. It may be repeated: an answer that was lost comes with the next. A question
// that comes after a later one of the same worker is refused. Errors are
// *messages.LayerFailure.
func (c *Core) Lease(ctx context.Context, ask messages.LeaseAsk) (messages.LeaseAnswer, error) {
	return c.lease(ctx, leaseScript, ask)
}

func (c *Core) lease(ctx context.Context, script *redis.Script, ask messages.LeaseAsk) (messages.LeaseAnswer, error) {
	args := []any{
		ask.Worker, ask.Lease.Milliseconds(), ask.Sessions, ask.Propose, ask.Down, ask.Leaving, ask.Name,
		int(leasesFor.Seconds()), max(0, ask.Sent.UnixMilli()), ask.RequestSeq, len(ask.Held),
	}
	for _, s := range ask.Held {
		args = append(args, s.Number, s.Epoch)
	}
	for _, list := range [][]int{ask.Release, ask.Cooling, nil, ask.Doubtful} {
		args = append(args, len(list))
		for _, n := range list {
			args = append(args, n)
		}
	}
	if ask.Layout.Sessions > 0 {
		args = append(args, 1, ask.Layout.Sessions, ask.Layout.Before)
	} else {
		args = append(args, 0)
	}
	answer, err := script.Run(ctx, c.redis, []string{c.keys.own("slots")}, args...).Slice()
	if err == nil {
		var leases messages.LeaseAnswer
		if leases, err = parseLeases(answer, ask.Worker); err == nil {
			return leases, nil
		}
	}
	return messages.LeaseAnswer{}, c.failure("asking for session slots", err)
}

var errLeases = errors.New("an answer of Redis that does not fit the script")

// parseLeases reads what the script says to a worker.
func parseLeases(answer []any, worker string) (a messages.LeaseAnswer, err error) {
	const head, each = 6, 5
	if len(answer) < head || (len(answer)-head)%each != 0 {
		return a, errLeases
	}
	number := func(i int) (n int64) {
		n, ok := answer[i].(int64)
		if !ok {
			err = errLeases
		}
		return n
	}
	text := func(i int) string {
		s, ok := answer[i].(string)
		if !ok {
			err = errLeases
		}
		return s
	}
	a.Now, a.Until = time.UnixMilli(number(0)), time.UnixMilli(number(1))
	a.Give, a.Sessions, a.Before, a.Workers = int(number(2)), int(number(3)), int(number(4)), int(number(5))
	for i := head; i < len(answer); i += each {
		s := messages.SlotInfo{Number: int(number(i)), Holder: text(i + 1), Name: text(i + 4)}
		s.Epoch, _ = strconv.ParseUint(text(i+2), 10, 64)
		s.Left = max(0, time.UnixMilli(number(i+3)).Sub(a.Now))
		if s.Holder == "-" || s.Left == 0 {
			s.Holder, s.Name, s.Left = "", "", 0
		}
		a.Slots = append(a.Slots, s)
		switch {
		case s.Holder == worker:
			a.Held = append(a.Held, messages.Slot{Number: s.Number, Epoch: s.Epoch})
		case s.Left > 0 && (a.Soonest == 0 || s.Left < a.Soonest):
			a.Soonest = s.Left
		}
	}
	return a, err
}
