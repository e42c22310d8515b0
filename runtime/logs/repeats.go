package logs

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// What is logged of warnings and errors within Span: Repeats of those with the same
// text and the same "error", and Alike of those with the same text. At the end of
// Span the last of the others is logged, with their number under "repeated".
const (
	Repeats = 10
	Alike   = 100
	Span    = time.Minute
)

// repeats is a handler that keeps to that.
type repeats struct {
	slog.Handler
	*counters
}

// Handle implements slog.Handler.
func (h repeats) Handle(ctx context.Context, r slog.Record) error {
	if r.Level < slog.LevelWarn || h.admit(h.Handler, r) {
		return h.Handler.Handle(ctx, r)
	}
	return nil
}

// WithAttrs implements slog.Handler.
func (h repeats) WithAttrs(attrs []slog.Attr) slog.Handler {
	return repeats{h.Handler.WithAttrs(attrs), h.counters}
}

// WithGroup implements slog.Handler.
func (h repeats) WithGroup(name string) slog.Handler {
	return repeats{h.Handler.WithGroup(name), h.counters}
}

// counters are those of all loggers that were made of one.
type counters struct {
	mu    sync.Mutex
	byKey map[string]*counter
}

// counter counts the lines with one text, or with one text and one error, within Span.
type counter struct {
	limit, logged, held int
	last                slog.Record
	to                  slog.Handler
	timer               *time.Timer
}

func newCounters() *counters { return &counters{byKey: map[string]*counter{}} }

// admit counts a line and says whether it is to be logged.
func (c *counters) admit(to slog.Handler, r slog.Record) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	text := c.of(r.Message, Alike)
	if text.full(to, r) {
		return false // and no further counter is made
	}
	same := c.of(r.Message+"\x00"+cause(r), Repeats)
	if same.full(to, r) {
		return false
	}
	text.logged++
	same.logged++
	return true
}

func (c *counters) of(key string, limit int) *counter {
	p, ok := c.byKey[key]
	if !ok {
		p = &counter{limit: limit}
		p.timer = time.AfterFunc(Span, func() { c.over(key, p) })
		c.byKey[key] = p
	}
	return p
}

// full says whether the limit is reached; then the line is counted and kept as the last.
func (p *counter) full(to slog.Handler, r slog.Record) bool {
	if p.logged < p.limit {
		return false
	}
	p.held++
	p.last, p.to = r.Clone(), to
	return true
}

// cause is the error of a line.
func cause(r slog.Record) (text string) {
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "error" {
			text = a.Value.String()
		}
		return text == ""
	})
	return text
}

// over ends a counter and logs its last line, if any was held back.
func (c *counters) over(key string, p *counter) {
	c.mu.Lock()
	if c.byKey[key] == p {
		delete(c.byKey, key)
	}
	held := p.held
	p.held = 0
	c.mu.Unlock()
	if held == 0 {
		return
	}
	p.last.AddAttrs(slog.Int("repeated", held))
	_ = p.to.Handle(context.Background(), p.last) // a log cannot log its own failure
}

// flush ends all of them.
func (c *counters) flush() {
	c.mu.Lock()
	counters := c.byKey
	c.byKey = map[string]*counter{}
	c.mu.Unlock()
	for key, p := range counters {
		p.timer.Stop()
		c.over(key, p)
	}
}
