package logs

import (
	"context"
	"io"
	"log/slog"
	"sync/atomic"
)

// Component is the key of the attribute that says which part of the program a
// logger is for: log.With(logs.Component, "mqtt").
const Component = "component"

// Options say what is logged and how.
type Options struct {
	// Level is the least that is logged, Levels what it is for some components.
	Level  slog.Level
	Levels map[string]slog.Level
	// Text is for people, else each line is JSON.
	Text bool
}

// Control changes what a logger logs while it is used.
type Control struct{ levels *atomic.Pointer[Options] }

// SetLevels has other levels hold from now on. Whether lines are text stays as it is.
func (c Control) SetLevels(level slog.Level, of map[string]slog.Level) {
	c.levels.Store(&Options{Level: level, Levels: of})
}

// New makes a logger that writes to w. Warnings and errors that repeat
// themselves are logged as Repeats says; flush logs at the end what was left out.
func New(w io.Writer, o Options) (log *slog.Logger, control Control, flush func()) {
	b := newCounters()
	control.levels = &atomic.Pointer[Options]{}
	control.levels.Store(&o)
	return slog.New(levels{Handler: repeats{Handler: handler(w, o.Text), counters: b}, control: control}), control, b.flush
}

// handler writes all levels, as text or as JSON.
func handler(w io.Writer, asText bool) slog.Handler {
	all := &slog.HandlerOptions{Level: slog.LevelDebug}
	if asText {
		return slog.NewTextHandler(w, all)
	}
	return slog.NewJSONHandler(w, all)
}

// levels holds back what is below the level of its component.
type levels struct {
	slog.Handler
	control   Control
	component string // of the last attribute that named one
}

// Enabled implements slog.Handler.
func (h levels) Enabled(_ context.Context, level slog.Level) bool {
	o := h.control.levels.Load()
	if least, ok := o.Levels[h.component]; ok {
		return level >= least
	}
	return level >= o.Level
}

// WithAttrs implements slog.Handler. From here on the component's level counts.
func (h levels) WithAttrs(attrs []slog.Attr) slog.Handler {
	for _, a := range attrs {
		if a.Key == Component {
			h.component = a.Value.String()
		}
	}
	h.Handler = h.Handler.WithAttrs(attrs)
	return h
}

// WithGroup implements slog.Handler.
func (h levels) WithGroup(name string) slog.Handler {
	h.Handler = h.Handler.WithGroup(name)
	return h
}
