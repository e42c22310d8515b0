package devpage_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"chanmqttproxy/test/kit"
)

const many = 10_000

var panels = []string{"bridge", "subscriptions", "topic", "follow", "queues", "letters", "traffic", "timeline", "log"}

// TestPage drives the page on a fake worker with many subscriptions. All share
// one browser, which takes longer to start than most of it.
func TestPage(t *testing.T) {
	t.Parallel()
	f, url := serve(t, many)
	tab := kit.Browser(t)
	tab.Size(1280, 800)
	appears(t, tab, url)
	for _, test := range []struct {
		name string
		run  func(t *testing.T, f *fake, tab *kit.Tab)
	}{
		{"nothing moves while it updates", still},
		{"pictures for the documents", pictured},
		{"a new subscription shows", shows},
		{"search and sort", finds},
		{"topics are tested", matches},
		{"messages are followed", follows},
		{"acting asks first", acts},
		{"publishing and tailing", publishes},
		{"trouble is red, and heals", reddens},
		{"panels are accessible", accessible},
		{"panels fit a telephone", fits},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, f, tab.For(t)) })
	}
}

// appears checks that the tree is there within a second of asking for the page;
// on a busy machine, in the best of a few loads.
func appears(t *testing.T, tab *kit.Tab, url string) {
	var took []float64
	for range 5 {
		tab.Open(url)
		tab.Wait(20*time.Second, `performance.getEntriesByName('tree').length && document.querySelector('#at-subs .value').textContent === '10,000'`)
		took = append(took, kit.Script[float64](tab, `performance.getEntriesByName('tree')[0].startTime`))
		if slices.Min(took) < 1000 {
			return
		}
	}
	t.Errorf("the tree came after %v ms", took)
}

// still checks that updates shift nothing.
func still(t *testing.T, _ *fake, tab *kit.Tab) {
	tab.Wait(20*time.Second, `document.querySelector('.at-f0 polyline').getAttribute('points')`)
	shift := kit.Script[float64](tab, `new Promise(done => {
		let sum = 0, first = document.querySelector('#at-rout .value').textContent;
		const seen = new PerformanceObserver(list => list.getEntries().forEach(e => { sum += e.value }));
		seen.observe({type: 'layout-shift'});
		const look = setInterval(() => {
			if (document.querySelector('#at-rout .value').textContent === first) return;
			clearInterval(look);
			setTimeout(() => done(sum), 300);
		}, 50);
	})`)
	if shift > 0.001 {
		t.Errorf("updates shift the page by %v", shift)
	}
}

func shows(_ *testing.T, f *fake, tab *kit.Tab) {
	tab.Click("#tab-subscriptions")
	tab.Wait(10*time.Second, `document.querySelector('#panel-subscriptions .pager').textContent.includes('of 10,000')`)
	kit.Script[any](tab, `window.kept = true; null`)
	f.subscribe("aaa/new/+", 7)
	tab.Wait(10*time.Second, `document.querySelector('#panel-subscriptions tbody th').textContent === 'aaa/new/+' && window.kept`)
	tab.Click("#tab-bridge")
	tab.Wait(10*time.Second, `document.querySelector('#at-subs .value').textContent === '10,001'`)
}

// fill types into an input as somebody who is quick.
func fill(tab *kit.Tab, input, text string) {
	kit.Script[any](tab, `(() => { const i = document.querySelector('`+input+`'); i.value = '`+text+`'; i.dispatchEvent(new Event('input')) })()`)
}

func finds(_ *testing.T, _ *fake, tab *kit.Tab) {
	tab.Click("#tab-subscriptions")
	fill(tab, "#find-subscription", "/cellar/hum")
	tab.Wait(10*time.Second, `[...document.querySelectorAll('#panel-subscriptions tbody th')].every(h => h.textContent.includes('/cellar/hum')) && document.querySelector('#panel-subscriptions .pager').textContent.includes('of 400')`)
	const counts = `[...document.querySelectorAll('#panel-subscriptions tbody tr')].map(r => +r.children[3].textContent.replace(',', ''))`
	tab.Click(`#panel-subscriptions [data-sort="messages"]`)
	tab.Wait(10*time.Second, `(c => c.length === 50 && c.every((n, i) => !i || n <= c[i - 1]))(`+counts+`)`)
	tab.Click(`#panel-subscriptions [data-sort="messages"]`)
	tab.Wait(10*time.Second, `document.querySelector('[aria-sort="ascending"]') && (c => c.every((n, i) => !i || n >= c[i - 1]))(`+counts+`)`)
	tab.Click("#panel-subscriptions .pager button:last-child")
	tab.Wait(10*time.Second, `document.querySelector('#panel-subscriptions .pager').textContent.includes('51–100 of 400')`)
}

func matches(_ *testing.T, _ *fake, tab *kit.Tab) {
	tab.Click("#tab-topic")
	fill(tab, "#topic", "house/0/kitchen/temperature")
	tab.Wait(10*time.Second, `document.querySelector('#panel-topic tbody').textContent.includes('group house-0')`)
	fill(tab, "#topic", "nobody/here")
	tab.Wait(10*time.Second, `document.querySelector('#verdict.warn')?.textContent.startsWith('No filter matches')`)
	fill(tab, "#topic", "a/#")
	tab.Wait(10*time.Second, `document.querySelector('#verdict.bad')?.textContent.includes('wildcards')`)
}

func follows(_ *testing.T, _ *fake, tab *kit.Tab) {
	tab.Click("#tab-follow")
	for topic, want := range map[string]string{"delivered": "It arrived: in Redis, for group house-0", "unmatched": "It did not arrive: unmatched", "dropped": "It did not arrive: dropped"} {
		fill(tab, "#follow-topic", topic)
		tab.Click("#follow-next")
		tab.Wait(10*time.Second, `document.querySelector('#outcome').textContent.startsWith('`+want+`')`)
	}
}

func acts(t *testing.T, f *fake, tab *kit.Tab) {
	tab.Click("#tab-bridge")
	tab.Click("#at-sess")
	tab.Click(`#detail [data-act="disconnect"]`)
	if list := f.acted(); len(list) > 0 {
		t.Errorf("without being asked: %v", list)
	}
	tab.Click("#ask-go")
	kit.Eventually(t, 10*time.Second, "the page acts", func() bool { return slices.Equal(f.acted(), []string{"disconnect " + session}) })
	kit.Script[any](tab, `dispatchEvent(new KeyboardEvent('keydown', {key: 'Escape'}))`)
	tab.Wait(10*time.Second, `document.querySelector('#detail').hidden && document.activeElement.id === 'at-sess'`)
}

func publishes(_ *testing.T, _ *fake, tab *kit.Tab) {
	tab.Click("#tab-traffic")
	tab.Wait(10*time.Second, `document.querySelectorAll('#tail li').length > 1 && document.querySelector('#tail').textContent.includes('{"value"')`)
	fill(tab, "#publish-topic", "delivered")
	tab.Click("#publish")
	tab.Click(`#panel-traffic form [role="status"] .link`)
	tab.Wait(10*time.Second, `location.hash === '#/follow' && document.querySelector('#outcome').textContent.startsWith('It arrived')`)
}

func reddens(_ *testing.T, f *fake, tab *kit.Tab) {
	tab.Click("#tab-bridge")
	f.loseBroker(true)
	tab.Wait(10*time.Second, `document.querySelector('#at-sess.bad') && document.querySelector('#at-mqtt.bad') && document.querySelector('#alarm.bad').textContent.includes('connection refused')`)
	tab.Click("#tab-timeline")
	tab.Wait(10*time.Second, `document.querySelector('#story .bad').textContent.includes('failed')`)
	f.loseBroker(false)
	tab.Wait(10*time.Second, `document.querySelector('#story li').textContent.includes('connected')`)
	tab.Click("#tab-bridge")
	tab.Wait(10*time.Second, `document.querySelector('#at-mqtt:not(.bad)') && document.querySelector('#at-sess:not(.bad)')`)
}

// accessible has axe-core look at every panel: at everything in one theme, at
// the contrast, with something in trouble, in the other.
func accessible(t *testing.T, f *fake, tab *kit.Tab) {
	kit.Script[any](tab, `document.querySelector('#main').append(document.createElement('button')); null`)
	if len(tab.Axe("#main", "button-name")) != 1 {
		t.Error("a button without a name goes unnoticed")
	}
	kit.Script[any](tab, `document.querySelector('#main > button').remove()`)
	theme(tab, "light")
	axe(t, tab, "body", "bridge in light")
	for _, panel := range panels[1:] {
		show(tab, panel)
		picture(t, tab, panel+"-light")
		axe(t, tab, "#panel-"+panel, panel)
	}
	f.loseBroker(true)
	show(tab, "bridge")
	tab.Wait(10*time.Second, `document.querySelector('#at-sess.bad')`)
	axe(t, tab, "#panel-bridge", "trouble in light", "color-contrast")
	theme(tab, "dark")
	for _, panel := range panels {
		show(tab, panel)
		picture(t, tab, panel+"-dark")
		axe(t, tab, "#panel-"+panel, panel+" in dark", "color-contrast")
	}
	show(tab, "bridge")
	tab.Click("#at-sess")
	tab.Wait(10*time.Second, `document.querySelector('#detail dd')`)
	axe(t, tab, "#detail", "details in dark")
}

func axe(t *testing.T, tab *kit.Tab, within, what string, rules ...string) {
	if faults := tab.Axe(within, rules...); len(faults) > 0 {
		t.Errorf("%s:\n%s", what, strings.Join(faults, "\n"))
	}
}

func theme(tab *kit.Tab, look string) {
	tab.Wait(10*time.Second, `document.querySelector('#theme').textContent.includes('`+look+`') || document.querySelector('#theme').click()`)
}

func show(tab *kit.Tab, panel string) {
	tab.Click("#tab-" + panel)
	tab.Wait(10*time.Second, `!document.querySelector('#panel-`+panel+`').hidden`)
}

// fits checks that nothing scrolls sideways on a telephone.
func fits(t *testing.T, _ *fake, tab *kit.Tab) {
	tab.Size(390, 844)
	kit.Script[any](tab, `dispatchEvent(new KeyboardEvent('keydown', {key: 'Escape'}))`)
	for _, panel := range panels {
		show(tab, panel)
		picture(t, tab, panel+"-390")
		if wide := kit.Script[float64](tab, `document.documentElement.scrollWidth`); wide > 390 {
			t.Errorf("%s is %v px wide", panel, wide)
		}
	}
}

// picture keeps one of the page in the folder that SCREENS names.
func picture(t *testing.T, tab *kit.Tab, name string) {
	dir := os.Getenv("SCREENS")
	if dir != "" {
		must(t, os.WriteFile(filepath.Join(dir, name+".png"), tab.Picture(), 0o644))
	}
}
