package worker

import (
	"context"
	"log/slog"
	"time"

	"chanmqttproxy/actors"
)

// lossInterval is how often losses are reported, at most.
const lossInterval = time.Minute

// losses are the messages that were dropped so far, by reason.
type losses struct{ full, overflowed, expired int64 }

func lossesOf(s *actors.Stats) losses {
	return losses{s.Full.Load(), s.Overflowed.Load(), s.Expired.Load()}
}

// logLosses logs once in a while what was lost since the last time, until ctx ends.
func logLosses(ctx context.Context, s *actors.Stats, log *slog.Logger) {
	tick := time.NewTicker(lossInterval)
	defer tick.Stop()
	last := lossesOf(s)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if now := lossesOf(s); now != last {
			log.Warn("messages were dropped: a process of the site, or Redis, does not keep up",
				"full", now.full-last.full, "overflowed", now.overflowed-last.overflowed, "expired", now.expired-last.expired)
			last = now
		}
	}
}

// logTotals logs all counters at the end.
func logTotals(s *actors.Stats, log *slog.Logger) {
	log.Info("stopped",
		"received", s.Received.Load(), "unmatched", s.Unmatched.Load(), "stored", s.Stored.Load(),
		"full", s.Full.Load(), "overflowed", s.Overflowed.Load(), "expired", s.Expired.Load(),
		"replaced", s.Replaced.Load(), "retained_sent", s.RetainedSent.Load(), "overflow", s.InOverflow.Load(), "undecodable", s.Undecodable.Load(),
		"commands", s.Commands.Load(), "bad_commands", s.BadCommands.Load(),
		"published", s.Published.Load(), "publish_refused", s.PublishRefused.Load(),
		"connects", s.Connects.Load(), "bugs", s.Bugs.Load())
}
