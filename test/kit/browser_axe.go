package kit

import (
	"os"
	"path/filepath"
	"strings"
)

// axeFile is where test/run puts the accessibility rules, below the user's cache.
const axeFile = "chanmqttproxy/axe-core-4.14.1/node_modules/axe-core/axe.min.js"

// Axe checks an element and all in it against the rules of axe-core and returns
// its faults, one a line. Without rules named, it is all of them.
func (b *Tab) Axe(element string, rules ...string) []string {
	b.t.Helper()
	if !Script[bool](b, "'axe' in window") {
		Script[any](b, axe(b)+";null")
	}
	options := "{preload: false, resultTypes: ['violations']}"
	if len(rules) > 0 {
		options = "{preload: false, resultTypes: ['violations'], runOnly: ['" + strings.Join(rules, "','") + "']}"
	}
	return Script[[]string](b, `axe.run('`+element+`', `+options+`).then(r => r.violations
		.flatMap(v => v.nodes.map(n => v.id + ' at ' + n.target.join(' ') + ': ' + n.failureSummary)))`)
}

func axe(b *Tab) string {
	b.t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		b.t.Fatalf("finding the accessibility rules: %v", err)
	}
	script, err := os.ReadFile(filepath.Join(cache, axeFile))
	if err != nil {
		Missing(b.t, "no axe-core: run test/run, which installs it (%v)", err)
	}
	return string(script)
}
