// Package arrows_test checks the shape of the whole tree: which package may
// import which, what stands at the top, that an actor's struct is named in its
// own file only, that every actor handles every message it can be sent, that the
// packages below actors do nothing but decide, and that documents link to what is there.
package arrows_test

import (
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// tree is the checkout.
func tree() fs.FS { return os.DirFS("../..") }

// checks are the rules. Each returns what breaks it, one line a fault.
var checks = map[string]func(fs.FS) ([]string, error){
	"imports":  imports,
	"top":      top,
	"structs":  structs,
	"handlers": handlers,
	"purity":   purity,
	"sizes":    sizes,
	"words":    words,

	"documents": documents,
}

func TestTree(t *testing.T) {
	t.Parallel()
	for name, check := range checks {
		faults, err := check(tree())
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, fault := range faults {
			t.Errorf("%s: %s", name, fault)
		}
	}
}

// TestChecks shows that each check finds what it looks for, and nothing else.
func TestChecks(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		check string
		files map[string]string
		want  string // a part of the only fault; "": none
	}{
		{"imports", file("runtime/mqtt/a.go", `import _ "chanmqttproxy/messages/topic"`), ""},
		{"imports", file("runtime/mqtt/a.go", `import _ "chanmqttproxy/runtime/layer"`), "runtime/mqtt/a.go imports runtime/layer"},
		{"imports", file("runtime/mqtt/wire/a.go", `import _ "chanmqttproxy/runtime/mqtt"`), ""},
		{"imports", file("runtime/mqtt/a.go", `import _ "chanmqttproxy/actors"`), "imports actors"},
		{"imports", file("runtime/mqtt/a_test.go", `import _ "chanmqttproxy/actors"`), ""},
		{"imports", file("runtime/mqtt/a_test.go", `import _ "chanmqttproxy/runtime/layer"`), "imports runtime/layer"},
		{"imports", file("runtime/mqtt/a.go", `import _ "chanmqttproxy/test/kit"`), "imports test/kit"},
		{"imports", file("runtime/mqtt/a_test.go", `import _ "chanmqttproxy/test/kit"`), ""},
		{"imports", file("runtime/worker/a.go", `import _ "chanmqttproxy/actors"`+"\n"+`import _ "chanmqttproxy/runtime/mqtt"`), ""},
		{"imports", file("runtime/worker/a.go", `import _ "chanmqttproxy/cmd/chanmqttproxy"`), "imports cmd/chanmqttproxy"},
		{"imports", file("runtime/deploy/a_test.go", `import _ "chanmqttproxy/runtime/config"`), ""},
		{"imports", file("runtime/deploy/a.go", `import _ "chanmqttproxy/runtime/config"`), "imports runtime/config"},
		{"imports", file("actors/a.go", `import _ "github.com/asynkron/protoactor-go/actor"`), ""},
		{"imports", file("actors/a.go", `import _ "chanmqttproxy/runtime/mqtt"`), "imports runtime/mqtt"},
		{"imports", file("actors/plan/a.go", `import _ "github.com/asynkron/protoactor-go/actor"`), "imports github.com/asynkron/protoactor-go/actor"},
		{"imports", file("actors/plan/a.go", `import _ "chanmqttproxy/actors"`), "imports actors"},
		{"imports", file("actors/plan/a.go", `import _ "chanmqttproxy/messages/topic"`), ""},
		{"imports", file("actors/a.go", `import _ "chanmqttproxy/actors/plan"`), ""},
		{"imports", file("actors/plan/a.go", `import _ "chanmqttproxy/actors/stats"`), ""},
		{"imports", file("actors/plan/a.go", `import _ "chanmqttproxy/actors/retained"`), "imports actors/retained"},
		{"imports", file("actors/delivery/a.go", `import _ "chanmqttproxy/actors/retained"`), ""},
		{"imports", file("actors/a_test.go", `import _ "chanmqttproxy/runtime/mqtt"`), "imports runtime/mqtt"},
		{"imports", file("messages/a.go", `import _ "chanmqttproxy/messages/topic"`), ""},
		{"imports", file("messages/a.go", `import _ "golang.org/x/net/http2"`), "imports golang.org/x/net/http2"},
		{"imports", file("messages/topic/a.go", `import _ "chanmqttproxy/messages"`), "imports messages"},
		{"imports", file("cmd/chanmqttproxy/a.go", `import _ "chanmqttproxy/runtime/worker"`), ""},
		{"imports", file("cmd/chanmqttproxy/a.go", `import _ "chanmqttproxy/actors"`), "imports actors"},
		{"imports", file("test/kit/a.go", `import _ "chanmqttproxy/actors"`), ""},

		{"top", file(".ci/run", ""), ""},
		{"top", file("README.md", ""), ""},
		{"top", file("internal/a.go", ""), "internal"},
		{"top", file("main.go", ""), "main.go"},
		{"top", file("runtime/a.go", ""), "runtime/a.go"},

		{"structs", actorFiles("func f() { router := 1; _ = router }"), ""},
		{"structs", actorFiles("type keeper struct{ router Unknown }"), ""},
		{"structs", actorFiles("func f(r *router) {}"), "actors/other.go names router of actors/router.go"},
		{"structs", actorFiles("func f() any { return router{} }"), "actors/other.go"},
		{"structs", actorFiles("var f Ref[router]\ntype Ref[T any] struct{}"), "actors/other.go"},
		{"structs", actorFiles("func f(plain) {}"), ""},

		{"handlers", handlerFiles("case messages.Deliver, *messages.Ask:"), ""},
		{"handlers", handlerFiles("case messages.Deliver:"), "actors/router.go has no case for messages.Ask"},

		{"documents", document("A [link](b.md#one-two), [one](#the-head) and ![a picture](a.svg).\n\n# The head!\n"), ""},
		{"documents", document("A [link](c.md)."), "links to c.md, which is not there"},
		{"documents", document("A [link](b.md#three)."), "b.md has no such heading"},
		{"documents", document("```\nls\n```"), "an example that no test runs"},
		{"documents", document("It says “it is away”."), ""},
		{"documents", document("It says “it is here”."), "does not write"},

		{"purity", file("actors/plan/a.go", "import \"time\"\nfunc f(now time.Time) time.Duration { return time.Second }"), ""},
		{"purity", file("actors/plan/a.go", "import \"time\"\nvar f = time.Now"), "calls time.Now"},
		{"purity", file("actors/plan/a.go", "func f() { go f() }"), "starts a goroutine"},
		{"purity", file("actors/plan/a.go", `import _ "log/slog"`), "imports log/slog"},
		{"purity", file("actors/plan/a.go", `import _ "net/http"`), "imports net/http"},
		{"purity", file("actors/plan/a.go", `import _ "net/url"`), ""},
		{"purity", file("actors/plan/a_test.go", `import _ "context"`), ""},
		{"purity", file("actors/a.go", "import \"time\"\nvar f = time.Now"), ""},
		{"purity", file("actors/a.go", "type env struct{ router Ref[int] }"), "gives env a Ref"},
		{"purity", file("actors/a.go", "type env struct{ *refs }"), "gives env a Ref"},
		{"purity", file("actors/a.go", "type router struct{ env; broker Ref[int] }"), ""},

		{"sizes", file("actors/a.go", strings.Repeat("\n", 299)), ""},
		{"sizes", file("actors/a.go", strings.Repeat("\n", 300)), "actors/a.go has 301 lines"},
		{"sizes", file("actors/a_test.go", strings.Repeat("\n", 300)), ""},
		{"sizes", file("test/kit/a.go", strings.Repeat("\n", 300)), ""},
		{"sizes", file("actors/a.go", "func f() {"+strings.Repeat("\n", 49)+"}"), ""},
		{"sizes", file("actors/a.go", "func f() {"+strings.Repeat("\n", 50)+"}"), "f has 51 lines"},

		{"words", file("actors/a.go", "// the testaments of herald's"), `"herald"`},
		{"words", file("actors/a.go", "// a testamentary word"), ""},
		{"words", file("actors/a.go", "type a struct{ rowSerial int }"), `"Serial"`},
		{"words", file("actors/a.go", "// a serializer; x509's SerialNumber"), ""},
		{"words", file("actors/a.go", "// the peer of a channel layer"), `"peer of a channel layer"`},
		{"words", file("actors/a.go", "// the peer has closed the connection"), ""},
		{"words", file("actors/a.go", "// the lifeline of a connection"), `"lifeline"`},
		{"words", file("actors/a.go", "const revisionField = `[\"edition\"]`"), ""},
		{"words", map[string]string{"runtime/devpage/a.js": "new ResizeObserver(more)"}, ""},
		{"words", map[string]string{"runtime/devpage/a.js": "// Unborn"}, "runtime/devpage/a.js:1"},
	} {
		faults, err := checks[test.check](memory(test.files))
		if err != nil {
			t.Fatal(err)
		}
		if test.want == "" && len(faults) > 0 || test.want != "" && (len(faults) != 1 || !strings.Contains(faults[0], test.want)) {
			t.Errorf("%s of %v: %q, want %q", test.check, test.files, faults, test.want)
		}
	}
}

func file(name, body string) map[string]string {
	return map[string]string{name: "package p\n" + body}
}

func document(text string) map[string]string {
	return map[string]string{
		"a/README.md": text, "a/b.md": "# One, two\n", "a/a.svg": "", "runtime/a.go": "var s = `it is away`",
	}
}

func actorFiles(other string) map[string]string {
	return map[string]string{
		"actors/router.go":      "package actors\ntype router struct{}\nfunc (r *router) Receive(c Context) { r.x() }\nfunc (r *router) x() {}\ntype plain struct{}",
		"actors/other.go":       "package actors\nimport \"nowhere.example/missing\"\nvar _ missing.Thing\n" + other,
		"actors/router_test.go": "package actors\nvar _ router",
	}
}

func handlerFiles(cases string) map[string]string {
	return map[string]string{
		"messages/a.go":         "package messages\ntype Ask struct{}\nfunc (Ask) toRouter() {}\nfunc (Deliver) toRouter() {}\nfunc (Deliver) toNobody() {}",
		"actors/router.go":      "package actors\nfunc f(m any) { switch m.(type) {\n" + cases + "\n} }",
		"actors/router_test.go": "package actors",
	}
}

func memory(files map[string]string) fs.FS {
	m := fstest.MapFS{}
	for name, text := range files {
		m[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return m
}

// top checks that nothing new stands at the top of the checkout, and that
// runtime/ is a folder only: a package of that name would shadow Go's.
func top(tree fs.FS) ([]string, error) {
	entries, err := fs.ReadDir(tree, ".")
	if err != nil {
		return nil, err
	}
	allowed := []string{"actors", "messages", "runtime", "cmd", "test", "go.mod", "go.sum", "README.md"}
	var faults []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && !slices.Contains(allowed, e.Name()) {
			faults = append(faults, e.Name()+" does not belong at the top")
		}
	}
	stray, err := fs.Glob(tree, "runtime/*.go")
	for _, name := range stray {
		faults = append(faults, name+": no package may stand directly in runtime/")
	}
	return faults, err
}
