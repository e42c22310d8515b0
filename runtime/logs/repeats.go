package logs

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// What is told of warnings and errors with the same text: Repeats of them within
// Span as they are, and at its end the last of the others, with their number
// under "repeated".
const (
	Repeats = 10
	Span    = time.Minute
)

// repeats is a handler that keeps to that.
type repeats struct {
	slog.Handler
	*book
}

// Handle implements slog.Handler.
func (h repeats) Handle(ctx context.Context, r slog.Record) error {
	if r.Level < slog.LevelWarn || h.tell(h.Handler, r) {
		return h.Handler.Handle(ctx, r)
	}
	return nil
}

// WithAttrs implements slog.Handler.
func (h repeats) WithAttrs(attrs []slog.Attr) slog.Handler {
	return repeats{h.Handler.WithAttrs(attrs), h.book}
}

// WithGroup implements slog.Handler.
func (h repeats) WithGroup(name string) slog.Handler {
	return repeats{h.Handler.WithGroup(name), h.book}
}

// book counts for all loggers that were made of one.
type book struct {
	mu    sync.Mutex
	pages map[string]*page
}

// page is one text in one span of time.
type page struct {
	told, untold int
	last         slog.Record
	to           slog.Handler
	end          *time.Timer
}

func newBook() *book { return &book{pages: map[string]*page{}} }

// tell notes a line and says whether it is to be told.
func (b *book) tell(to slog.Handler, r slog.Record) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	p, ok := b.pages[r.Message]
	if !ok {
		p = &page{}
		p.end = time.AfterFunc(Span, func() { b.over(r.Message, p) })
		b.pages[r.Message] = p
	}
	if p.told < Repeats {
		p.told++
		return true
	}
	p.untold++
	p.last, p.to = r.Clone(), to
	return false
}

// over ends a page and tells what it holds.
func (b *book) over(text string, p *page) {
	b.mu.Lock()
	if b.pages[text] == p {
		delete(b.pages, text)
	}
	untold := p.untold
	p.untold = 0
	b.mu.Unlock()
	if untold == 0 {
		return
	}
	p.last.AddAttrs(slog.Int("repeated", untold))
	_ = p.to.Handle(context.Background(), p.last) // there is nobody to tell
}

// flush ends all pages.
func (b *book) flush() {
	b.mu.Lock()
	pages := b.pages
	b.pages = map[string]*page{}
	b.mu.Unlock()
	for text, p := range pages {
		p.end.Stop()
		b.over(text, p)
	}
}
