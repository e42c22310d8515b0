package kit

import (
	"context"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// For is the same tab for a part of the test that it was made for.
func (b *Tab) For(t testing.TB) *Tab { return &Tab{t, b.ctx} }

// Script runs JavaScript in the page and returns what it comes to, once that is
// there if it is a promise.
func Script[T any](b *Tab, script string) T {
	b.t.Helper()
	return act(b, "running "+script, chromedp.Evaluate[T](script, func(p *runtime.EvaluateParams) {
		awaited := true
		p.AwaitPromise = &awaited
	}))
}

// Size makes the page so wide and high, in CSS pixels.
func (b *Tab) Size(width, height int64) {
	b.t.Helper()
	b.do("resizing", chromedp.EmulateViewport(width, height))
}

// Picture is what the tab shows, as PNG.
func (b *Tab) Picture() []byte {
	b.t.Helper()
	return act(b, "taking a picture", chromedp.CaptureScreenshot())
}

// Wait waits until a JavaScript expression is true; as long as it throws, it is
// not.
func (b *Tab) Wait(within time.Duration, expression string) {
	b.t.Helper()
	Eventually(b.t, within, expression, func() bool {
		return Script[bool](b, "(() => { try { return Boolean("+expression+") } catch { return false } })()")
	})
}

func act[T any](b *Tab, what string, action chromedp.Action[T]) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, waitLimit)
	defer cancel()
	value, err := chromedp.Run(ctx, action)
	if err != nil {
		b.t.Fatalf("%s: %v", what, err)
	}
	return value
}

// Theme has pages look as for a person who prefers that ("dark", "light").
func (b *Tab) Theme(look string) {
	b.t.Helper()
	b.prefer("prefers-color-scheme", look)
}

// Still has pages behave as for a person who wants nothing to move.
func (b *Tab) Still() {
	b.t.Helper()
	b.prefer("prefers-reduced-motion", "reduce")
}

func (b *Tab) prefer(feature, value string) {
	b.t.Helper()
	b.do("preferring "+value, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: feature, Value: value}},
		})
		return err
	}))
}
