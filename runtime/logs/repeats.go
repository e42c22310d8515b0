package logs

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// What is logged of warnings and errors within Span: Repeats of those with the same
// text and the same "error", and Alike of those with the same text. At the end of
// Span the last of the others is told, with their number under "repeated".
const (
	Repeats = 10
	Alike   = 100
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

// page is one text, or one text with one error, in one span of time.
type page struct {
	limit, told, untold int
	last                slog.Record
	to                  slog.Handler
	end                 *time.Timer
}

func newBook() *book { return &book{pages: map[string]*page{}} }

// tell notes a line and says whether it is to be told.
func (b *book) tell(to slog.Handler, r slog.Record) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	text := b.page(r.Message, Alike)
	if text.full(to, r) {
		return false // and so many pages are enough
	}
	same := b.page(r.Message+"\x00"+cause(r), Repeats)
	if same.full(to, r) {
		return false
	}
	text.told++
	same.told++
	return true
}

func (b *book) page(key string, limit int) *page {
	p, ok := b.pages[key]
	if !ok {
		p = &page{limit: limit}
		p.end = time.AfterFunc(Span, func() { b.over(key, p) })
		b.pages[key] = p
	}
	return p
}

// full takes a line in for which there is no room.
func (p *page) full(to slog.Handler, r slog.Record) bool {
	if p.told < p.limit {
		return false
	}
	p.untold++
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

// over ends a page and tells what it holds.
func (b *book) over(key string, p *page) {
	b.mu.Lock()
	if b.pages[key] == p {
		delete(b.pages, key)
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
	for key, p := range pages {
		p.end.Stop()
		b.over(key, p)
	}
}
