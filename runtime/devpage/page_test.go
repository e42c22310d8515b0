package devpage_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

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
		{"the keyboard is enough", keyboard},
		{"a new subscription shows", shows},
		{"search and sort", finds},
		{"topics are tested", matches},
		{"messages are followed", follows},
		{"acting asks first", acts},
		{"publishing and tailing", publishes},
		{"trouble is red, and heals", reddens},
		{"panels are accessible", accessible},
		{"panels fit every screen", fits},
		{"nothing moves for who wants that", motionless},
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
		tab.Wait(20*time.Second, `performance.getEntriesByName('tree').length && document.querySelector('#at-subs .value').textContent === '10,000 filters'`)
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
		let sum = 0, first = document.querySelector('.at-f3 .rate').textContent;
		const seen = new PerformanceObserver(list => list.getEntries().forEach(e => { sum += e.value }));
		seen.observe({type: 'layout-shift'});
		const look = setInterval(() => {
			if (document.querySelector('.at-f3 .rate').textContent === first) return;
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
	tab.Wait(10*time.Second, `document.querySelector('#at-subs .value').textContent === '10,001 filters'`)
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
	tab.Wait(10*time.Second, `document.querySelector('#result.warn')?.textContent.startsWith('Nobody: no filter matches')`)
	fill(tab, "#topic", "a/#")
	faulty(tab, "#topic", "wildcards")
	fill(tab, "#topic", "a")
	tab.Wait(10*time.Second, `!document.querySelector('#topic').hasAttribute('aria-invalid')`)
}

func follows(t *testing.T, f *fake, tab *kit.Tab) {
	tab.Click("#tab-follow")
	for _, one := range []struct{ topic, outcome, drawn string }{
		{"unmatched", "It did not arrive: unmatched", "MQTT broker Connection ✕Router"},
		{"dropped", "It did not arrive: dropped", "MQTT broker Connection Router house/# ✕group house-0"},
		{"many", "It did not arrive everywhere: dropped", "MQTT broker Connection Router house/#,house/+/kitchen/#,3 more ✕group house-7,group house-0,group house-1,group house-2,group house-3,35 more Redis"},
		{"delivered", "It arrived: in Redis, for group house-0", "Session MQTT broker Connection Router house/# group house-0 Redis"},
	} {
		fill(tab, "#follow-topic", one.topic)
		tab.Click("#follow-next")
		tab.Wait(10*time.Second, `document.querySelector('#outcome').textContent.startsWith('`+one.outcome+`')`)
		if got := kit.Script[string](tab, `[...document.querySelectorAll('.column')].map((s) => [...s.querySelectorAll('.title')].map((b) => b.textContent.replace('✓', '')).join()).join(' ')`); got != one.drawn {
			t.Errorf("%s is drawn as %q, want %q", one.topic, got, one.drawn)
		}
		picture(t, tab, "follow-"+one.topic)
	}
	fill(tab, "#follow-topic", "waits")
	tab.Click("#follow-next")
	tab.Wait(10*time.Second, `document.querySelector('#outcome').textContent.startsWith('Waiting for a message')`)
	tab.Click("#follow-cancel")
	kit.Eventually(t, 10*time.Second, "the page gives up", func() bool { return slices.Equal(f.acted(), []string{"cancel waits"}) })
	tab.Wait(10*time.Second, `document.querySelector('#outcome').textContent === '' && document.querySelector('#follow-cancel').hidden`)
	for _, bad := range []string{"a/#", ""} {
		fill(tab, "#follow-topic", bad)
		tab.Click("#follow-next")
		faulty(tab, "#follow-topic", "opic")
	}
}

// faulty waits until it is said beside a field what is wrong with it, and nowhere else.
func faulty(tab *kit.Tab, field, text string) {
	tab.Wait(10*time.Second, fmt.Sprintf(`(f => f.getAttribute('aria-invalid') === 'true' && document.getElementById(f.getAttribute('aria-describedby')).textContent.includes(%q))(document.querySelector(%q))`, text, field))
	tab.Wait(time.Second, `document.querySelector('#said').textContent === ''`)
}

func acts(t *testing.T, f *fake, tab *kit.Tab) {
	tab.Click("#tab-bridge")
	tab.Click("#at-conn")
	tab.Click(`#detail [data-act="disconnect"]`)
	if list := f.acted(); len(list) > 1 {
		t.Errorf("without being asked: %v", list)
	}
	tab.Click("#ask-go")
	did := func(want ...string) {
		t.Helper()
		kit.Eventually(t, 10*time.Second, "the page acts", func() bool { return slices.Equal(f.acted()[1:], want) })
		tab.Wait(10*time.Second, `document.querySelector('#said').textContent.includes('done')`)
	}
	did("disconnect " + connection)
	tab.Click("#detail-close") // what was said of one action goes when the next begins
	tab.Wait(10*time.Second, `document.querySelector('#said').textContent === ''`)
	tab.Click("#at-rout")
	tab.Click(`#detail [data-act="restart"]`) // it loses nothing, and asks nothing
	did("disconnect "+connection, "restart bridge/router")
	tab.Click("#detail-close")
	tab.Click("#at-mqtt")
	tab.Wait(10*time.Second, `document.querySelector('[data-act="start-broker"]').disabled && !document.querySelector('[data-act="stop-broker"]').disabled`)
	tab.Click("#detail-close")
	tab.Click("#at-redis") // it is not inside the program
	tab.Wait(10*time.Second, `document.querySelector('[data-act="stop-redis"]').hidden`)
	tab.Click("#detail-close")
	tab.Click("#at-conn")
	kit.Script[any](tab, `dispatchEvent(new KeyboardEvent('keydown', {key: 'Escape'}))`)
	tab.Wait(10*time.Second, `document.querySelector('#detail').hidden && document.activeElement.id === 'at-conn'`)
}

func publishes(_ *testing.T, _ *fake, tab *kit.Tab) {
	tab.Click("#tab-traffic")
	tab.Wait(10*time.Second, `document.querySelectorAll('#tail li').length > 1 && document.querySelector('#tail').textContent.includes('{"value"') && document.querySelector('#tail').textContent.includes('and 4,321 more, not shown')`)
	fill(tab, "#publish-topic", "delivered")
	tab.Click("#publish")
	tab.Wait(10*time.Second, `document.querySelector('#published').textContent.startsWith('Published to delivered')`)
	fill(tab, "#publish-topic", "a/+")
	tab.Click("#publish")
	faulty(tab, "#publish-topic", "wildcards")
	fill(tab, "#tail-filter", "a/#/b")
	tab.Click("#tail-listen")
	faulty(tab, "#tail-filter", "last level")
	fill(tab, "#publish-topic", "away")
	tab.Click("#publish")
	tab.Wait(10*time.Second, `document.querySelector('#published').textContent.startsWith('It waits (no connection to the MQTT broker')`)
	fill(tab, "#publish-topic", "delivered")
	tab.Click("#publish")
	tab.Wait(10*time.Second, `document.querySelector('#published').textContent.startsWith('Published to delivered')`)
	tab.Click("#published .link")
	tab.Wait(10*time.Second, `location.hash === '#/follow' && document.querySelector('#outcome').textContent.startsWith('It arrived')`)
}

func reddens(_ *testing.T, f *fake, tab *kit.Tab) {
	tab.Click("#tab-bridge")
	f.loseBroker(true)
	tab.Wait(10*time.Second, `document.querySelector('#at-conn.bad') && document.querySelector('#at-mqtt.bad') && document.querySelector('#alarm.bad').textContent.includes('connection refused')`)
	tab.Click("#tab-timeline")
	tab.Wait(10*time.Second, `document.querySelector('#timeline .bad').textContent.includes('failed')`)
	f.loseBroker(false)
	tab.Wait(10*time.Second, `document.querySelector('#timeline li').textContent.includes('connected')`)
	tab.Click("#tab-bridge")
	tab.Wait(10*time.Second, `document.querySelector('#at-mqtt:not(.bad)') && document.querySelector('#at-conn:not(.bad)')`)
	f.forgive()
	tab.Wait(10*time.Second, `document.querySelector('#alarm').hidden`)
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
	tab.Wait(10*time.Second, `document.querySelector('#at-conn.bad')`)
	axe(t, tab, "#panel-bridge", "trouble in light", "color-contrast")
	theme(tab, "dark")
	for _, panel := range panels {
		show(tab, panel)
		picture(t, tab, panel+"-dark")
		axe(t, tab, "#panel-"+panel, panel+" in dark", "color-contrast")
	}
	show(tab, "bridge")
	tab.Click("#at-conn")
	tab.Wait(10*time.Second, `document.querySelector('#detail dd')`)
	axe(t, tab, "#detail", "details in dark")
}

func axe(t *testing.T, tab *kit.Tab, within, what string, rules ...string) {
	if faults := tab.Axe(within, rules...); len(faults) > 0 {
		t.Errorf("%s:\n%s", what, strings.Join(faults, "\n"))
	}
}

func theme(tab *kit.Tab, look string) {
	tab.Wait(10*time.Second, `document.querySelector('#theme').getAttribute('aria-checked') === '`+fmt.Sprint(look == "dark")+`' || document.querySelector('#theme').click()`)
}

func show(tab *kit.Tab, panel string) {
	tab.Click("#tab-" + panel)
	tab.Wait(10*time.Second, `!document.querySelector('#panel-`+panel+`').hidden`)
}

// fits checks that nothing scrolls sideways, from a telephone to a large screen, and that a
// telephone shows that there are more tabs.
func fits(t *testing.T, _ *fake, tab *kit.Tab) {
	kit.Script[any](tab, `dispatchEvent(new KeyboardEvent('keydown', {key: 'Escape'}))`)
	for _, width := range []int64{1920, 1280, 768, 390} {
		tab.Size(width, 844)
		for _, panel := range panels {
			show(tab, panel)
			picture(t, tab, fmt.Sprintf("%s-%d", panel, width))
			if wide := kit.Script[int64](tab, `document.documentElement.scrollWidth`); wide > width {
				t.Errorf("%s is %d px wide on %d", panel, wide, width)
			}
		}
	}
	show(tab, "bridge")
	tab.Wait(10*time.Second, `document.querySelector('.tabs').matches('.more-right:not(.more-left)')`)
	axe(t, tab, "body", "the telephone")
	show(tab, "log")
	tab.Wait(10*time.Second, `document.querySelector('.tabs').matches('.more-left:not(.more-right)')`)
}

// keyboard goes through the page with no pointer: to a panel, into a box and out of it, and
// to a question, which takes the focus and gives it back.
func keyboard(_ *testing.T, _ *fake, tab *kit.Tab) {
	focus := func(what string) { tab.Wait(10*time.Second, `document.activeElement.matches('`+what+`')`) }
	kit.Script[any](tab, `document.activeElement.blur(); document.querySelector('.skip').focus()`)
	for _, next := range []string{"#theme", "#tab-bridge", "#main, #at-redis"} {
		tab.Press("\t")
		focus(next)
		tab.Wait(time.Second, `getComputedStyle(document.activeElement).outlineStyle !== 'none' || document.activeElement.id === 'main'`)
	}
	kit.Script[any](tab, `document.querySelector('#tab-bridge').focus()`)
	tab.Press(kb.ArrowRight)
	focus("#tab-subscriptions[aria-selected=true]")
	tab.Press("/")
	focus("#tab-subscriptions, #find-subscription")
	kit.Script[any](tab, `document.activeElement.blur()`)
	tab.Press("1")
	tab.Wait(10*time.Second, `location.hash === '#/bridge'`)
	kit.Script[any](tab, `document.querySelector('#at-conn').focus()`)
	tab.Press("\r")
	focus("#detail-title")
	kit.Script[any](tab, `document.querySelector('[data-act=disconnect]').focus()`)
	tab.Press("\r")
	focus("dialog[open] button")
	tab.Press(kb.Escape)
	focus("[data-act=disconnect]")
	tab.Press(kb.Escape)
	focus("#at-conn")
}

// motionless checks that nothing is animated where the system says so.
func motionless(t *testing.T, _ *fake, tab *kit.Tab) {
	tab.Size(1280, 800)
	moving := func(panel string) int {
		show(tab, panel)
		return kit.Script[int](tab, `document.getAnimations().filter((a) => a.playState === 'running').length`)
	}
	if moving("bridge") == 0 {
		t.Error("nothing moves for anybody")
	}
	tab.Still()
	if n := moving("bridge"); n > 0 {
		t.Errorf("%d things move", n)
	}
	show(tab, "follow")
	fill(tab, "#follow-topic", "delivered")
	tab.Click("#follow-next")
	tab.Wait(10*time.Second, `document.querySelector('#outcome').textContent.startsWith('It arrived') && document.querySelector('.flow .box')`)
	if n := moving("follow"); n > 0 {
		t.Errorf("%d things move along the picture", n)
	}
}

// picture keeps one of the page in the folder that SCREENS names.
func picture(t *testing.T, tab *kit.Tab, name string) {
	dir := os.Getenv("SCREENS")
	if dir != "" {
		must(t, os.WriteFile(filepath.Join(dir, name+".png"), tab.Picture(), 0o644))
	}
}
