package embedded

import (
	"context"
	"log/slog"
)

// quiet passes on what a broker's user would want to know: warnings and errors
// but not each client that goes, and never a packet, which has a payload.
type quiet struct{ slog.Handler }

// Enabled tells whether the level is a warning or worse.
func (q quiet) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && q.Handler.Enabled(ctx, level)
}

// Handle leaves the packet out. A client that goes has no message at all.
func (q quiet) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == "" {
		return nil
	}
	kept := slog.NewRecord(r.Time, r.Level, "embedded broker: "+r.Message, r.PC)
	r.Attrs(func(a slog.Attr) bool {
		if a.Key != "pk" {
			kept.AddAttrs(a)
		}
		return true
	})
	return q.Handler.Handle(ctx, kept)
}

// WithAttrs keeps quiet.
func (q quiet) WithAttrs(attrs []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(attrs)} }

// WithGroup keeps quiet.
func (q quiet) WithGroup(name string) slog.Handler { return quiet{q.Handler.WithGroup(name)} }
