package kit

import (
	"bytes"
	"debug/buildinfo"
	"os"
	"testing"
)

// WantNotices wants a file to name every module that is linked into a program, direct or
// not, with its version, and Go.
func WantNotices(t testing.TB, program, file string) {
	t.Helper()
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(info.Deps) < 40 || !bytes.Contains(text, []byte("Go's own library "+info.GoVersion+": ")) {
		t.Errorf("%s has %d modules; %s begins with %.200q", program, len(info.Deps), file, text)
	}
	for _, module := range info.Deps {
		if !bytes.Contains(text, []byte("\n"+module.Path+" "+module.Version+": ")) {
			t.Errorf("%s does not name %s %s", file, module.Path, module.Version)
		}
	}
}
