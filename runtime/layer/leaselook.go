package layer

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"chanmqttproxy/messages"
)

// Leases looks at the session slots as a worker would see them, and changes
// nothing. Where no worker has asked for any lately there are none. Errors are
// *messages.LayerFailure.
func (c *Core) Leases(ctx context.Context) (messages.LeaseAnswer, error) {
	var fields *redis.MapStringStringCmd
	var clock *redis.TimeCmd
	_, err := c.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		fields, clock = p.HGetAll(ctx, c.keys.own("slots")), p.Time(ctx)
		return nil
	})
	if err != nil {
		return messages.LeaseAnswer{}, c.failure("looking at the session slots", err)
	}
	return leasesIn(fields.Val(), clock.Val()), nil
}

// leasesIn reads the hash of lease.lua. What cannot be read counts as not being there.
func leasesIn(fields map[string]string, now time.Time) messages.LeaseAnswer {
	a := messages.LeaseAnswer{Now: now, Give: -1}
	names := map[string]string{}
	for field, value := range fields {
		id, ok := strings.CutPrefix(field, "worker:")
		said := strings.SplitN(value, " ", 4) // end, flags, seq, name
		if end, err := strconv.ParseInt(said[0], 10, 64); ok && err == nil && len(said) == 4 && time.UnixMilli(end).After(now) {
			names[id] = said[3]
		}
	}
	a.Workers = len(names)
	_, _ = fmt.Sscanf(fields["layout"], "%d %d", &a.Sessions, &a.Before)
	for n := range max(a.Sessions, a.Before) {
		s := messages.SlotInfo{Number: n}
		var end int64
		_, _ = fmt.Sscanf(fields["slot:"+strconv.Itoa(n)], "%s %d %d", &s.Holder, &s.Epoch, &end)
		s.Name, s.Left = names[s.Holder], max(0, time.UnixMilli(end).Sub(now))
		if s.Holder == "-" || s.Left == 0 {
			s.Holder, s.Name, s.Left = "", "", 0
		}
		a.Slots = append(a.Slots, s)
	}
	return a
}
