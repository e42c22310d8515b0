package deploy_test

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"chanmqttproxy/test/kit"
)

var update = flag.Bool("update", false, "write licences.md")

// notices runs the program that collects licences.
func notices(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"run", "./runtime/deploy/notices"}, args...)...)
	cmd.Dir = "../.."
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("collecting licences: %v\n%s", err, problems.String())
	}
	return string(out)
}

// TestLicences: licences.md lists every module that the program is made of;
// go test ./runtime/deploy -update writes it.
func TestLicences(t *testing.T) {
	t.Parallel()
	list := notices(t, "-table")
	if *update {
		if err := os.WriteFile("licences.md", []byte(list), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if list != read(t, "licences.md") {
		t.Error("licences.md is not that of the program: run go test ./runtime/deploy -update")
	}
}

// TestNotices: the texts are there of every module that is linked into the program.
func TestNotices(t *testing.T) {
	t.Parallel()
	text, file := notices(t, "linux"), filepath.Join(t.TempDir(), "NOTICES.txt")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	kit.WantNotices(t, kit.Binary(t), file)
	for _, part := range []string{"Prometheus instrumentation library for Go applications", "Copyright 2009 The Go Authors"} {
		if !strings.Contains(text, part) {
			t.Errorf("the notices have no %q", part)
		}
	}
}
