package devpage

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// linesKept is how many lines of the log a viewer gets at first.
const linesKept = 200

// Line is one line of the log.
type Line struct {
	At          time.Time
	Level, Text string
	Attrs       map[string]string `json:",omitempty"`
}

// Log remembers the last lines of a log, and tells those who listen.
type Log struct {
	mu        sync.Mutex
	lines     []Line
	listeners map[*func(Line)]bool
}

// NewLog makes one that knows nothing yet.
func NewLog() *Log { return &Log{listeners: map[*func(Line)]bool{}} }

// Handler passes all on, and has the Log see it too.
func (l *Log) Handler(next slog.Handler) slog.Handler { return handler{Handler: next, log: l} }

func (l *Log) add(line Line) {
	l.mu.Lock()
	l.lines = append(l.lines, line)
	if len(l.lines) > 2*linesKept {
		l.lines = slices.Clone(l.lines[len(l.lines)-linesKept:])
	}
	var listeners []*func(Line)
	for listener := range l.listeners {
		listeners = append(listeners, listener)
	}
	l.mu.Unlock()
	for _, listener := range listeners {
		(*listener)(line)
	}
}

func (l *Log) recent() []Line {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.lines[max(0, len(l.lines)-linesKept):])
}

// listen calls with each line until stop; it must not log.
func (l *Log) listen(receive func(Line)) (stop func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.listeners[&receive] = true
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.listeners, &receive)
	}
}

type handler struct {
	slog.Handler
	log   *Log
	attrs []slog.Attr
	group string
}

// Handle implements slog.Handler.
func (h handler) Handle(ctx context.Context, r slog.Record) error {
	line := Line{At: r.Time, Level: r.Level.String(), Text: r.Message, Attrs: map[string]string{}}
	for _, a := range h.attrs {
		line.Attrs[a.Key] = a.Value.String()
	}
	r.Attrs(func(a slog.Attr) bool {
		line.Attrs[h.group+a.Key] = a.Value.Resolve().String()
		return true
	})
	h.log.add(line)
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	h.Handler = h.Handler.WithAttrs(attrs)
	h.attrs = slices.Clone(h.attrs)
	for _, a := range attrs {
		h.attrs = append(h.attrs, slog.String(h.group+a.Key, a.Value.Resolve().String()))
	}
	return h
}

// WithGroup implements slog.Handler.
func (h handler) WithGroup(name string) slog.Handler {
	h.Handler = h.Handler.WithGroup(name)
	h.group += name + "."
	return h
}
