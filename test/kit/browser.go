package kit

import (
	"context"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// Tab is a tab of a headless Chromium. Its methods fail the test where the
// page does not do as asked within half a minute; elements are named by CSS
// selectors.
type Tab struct {
	t   testing.TB
	ctx context.Context
}

// Browser starts a headless Chromium with a fresh profile, which ends with the
// test, and returns its tab.
func Browser(t testing.TB) *Tab {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(Need(t, "chromium")),
		chromedp.NoSandbox, // as root it refuses to run otherwise
		chromedp.DisableGPU,
		// A test talks to loopback only.
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.WSURLReadTimeout(time.Minute),
	)
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, kill := chromedp.NewContext(allocator, chromedp.WithErrorf(t.Logf))
	t.Cleanup(kill)
	tab := &Tab{t, ctx}
	t.Cleanup(tab.close)
	// The browser lives as long as the context of its first action.
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("starting chromium: %v", err)
	}
	return tab
}

// Open loads a page.
func (b *Tab) Open(url string) {
	b.t.Helper()
	b.do("opening "+url, chromedp.Navigate(url))
}

// Type types text, a line break for Enter, into an input.
func (b *Tab) Type(input, text string) {
	b.t.Helper()
	b.do("typing into "+input, chromedp.SendKeys(chromedp.CSS(input), text))
}

// Click clicks an element, once it is enabled.
func (b *Tab) Click(element string) {
	b.t.Helper()
	b.do("clicking "+element,
		chromedp.WaitEnabled(chromedp.CSS(element)), chromedp.Click(chromedp.CSS(element)))
}

// Press presses keys, one a character, in what has the focus.
func (b *Tab) Press(keys string) {
	b.t.Helper()
	b.do("pressing keys", chromedp.KeyEvent(keys))
}

// Text is what an element says.
func (b *Tab) Text(element string) string {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, waitLimit)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.TextContent(chromedp.CSS(element)))
	if err != nil {
		b.t.Fatalf("reading %s: %v", element, err)
	}
	return text
}

func (b *Tab) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, waitLimit)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatalf("%s: %v", what, err)
	}
}

// close shows what the page said where the test failed, and lets the browser
// end by itself, which tidies up behind it.
func (b *Tab) close() {
	ctx, cancel := context.WithTimeout(b.ctx, 10*time.Second)
	defer cancel()
	if b.t.Failed() {
		text, err := chromedp.Run(ctx, chromedp.TextContent(chromedp.CSS("body")))
		b.t.Logf("the page says (%v):\n%s", err, text)
	}
	_ = chromedp.Cancel(ctx)
}
