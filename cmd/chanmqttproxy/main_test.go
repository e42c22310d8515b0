package main_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// program is the binary under test, stamped with the version v0.0.0-test.
var program string

func TestMain(m *testing.M) {
	os.Exit(build(m))
}

func build(m *testing.M) int {
	dir, err := os.MkdirTemp("", "chanmqttproxy")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "chanmqttproxy")
	// As releases are built, so that what the compiler makes serves others too.
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid= -X main.version=v0.0.0-test -X main.commit=abc123 -X main.date=2026-01-02T03:04:05Z", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	if err != nil {
		fmt.Fprintf(os.Stderr, "building: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// result is what a run of the program left.
type result struct {
	code        int
	out, errors string
}

// command makes a run of the program that knows nothing of this process's
// environment.
func command(t *testing.T, environ []string, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	c := exec.CommandContext(ctx, program, args...)
	c.Env = append([]string{"PATH=" + os.Getenv("PATH")}, environ...)
	return c
}

func execute(t *testing.T, environ []string, args ...string) result {
	t.Helper()
	c := command(t, environ, args...)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Run(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		t.Fatalf("running %q: %v", args, err)
	}
	return result{c.ProcessState.ExitCode(), out.String(), errs.String()}
}

// wants compares a run with what it should have left; the texts are parts.
func wants(t *testing.T, r result, code int, out, errs []string) {
	t.Helper()
	if r.code != code {
		t.Errorf("exit code %d, want %d", r.code, code)
	}
	for _, part := range out {
		if !strings.Contains(r.out, part) {
			t.Errorf("the output has no %q", part)
		}
	}
	for _, part := range errs {
		if !strings.Contains(r.errors, part) {
			t.Errorf("the errors have no %q", part)
		}
	}
	if strings.Contains(r.out+r.errors, "\x1b") {
		t.Error("there are colours, or other escapes, where there is no terminal")
	}
	if t.Failed() {
		t.Logf("output: %s\nerrors: %s", r.out, r.errors)
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	wants(t, execute(t, nil, "version"), 0, []string{"chanmqttproxy v0.0.0-test go1.", ", commit abc123 of 2026-01-02T03:04:05Z\n"}, nil)
	if flag := execute(t, nil, "--version"); flag.out != execute(t, nil, "version").out {
		t.Errorf("--version says %q", flag.out)
	}
}

func TestHelpTeaches(t *testing.T) {
	t.Parallel()
	wants(t, execute(t, nil, "--help"), 0, []string{"Examples:", "chanmqttproxy dev", "check --connect"}, nil)
	wants(t, execute(t, nil, "run", "--help"), 0, []string{"Examples:", "--mqtt-password-file", "(default localhost)", "--config path"}, nil)
	for line := range strings.Lines(execute(t, nil, "__complete", "").out) {
		verb, _, isVerb := strings.Cut(line, "\t")
		if isVerb && verb != "help" && verb != "completion" { // these two are cobra's, and what is below the latter comes next
			wants(t, execute(t, nil, verb, "--help"), 0, []string{"Examples:\n", "  chanmqttproxy " + verb}, nil)
		}
	}
	for _, verb := range []string{"config", "send", "dead-letters", "completion"} {
		for line := range strings.Lines(execute(t, nil, "__complete", verb, "").out) {
			if sub, _, isVerb := strings.Cut(line, "\t"); isVerb {
				wants(t, execute(t, nil, verb, sub, "-h"), 0, []string{"Examples:\n", "  chanmqttproxy " + verb + " " + sub}, nil)
			}
		}
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	wants(t, execute(t, nil, "run", "--mqtt-username=u"), 2, nil, []string{"unknown flag: --mqtt-username; did you mean --mqtt-user?"})
	for _, args := range [][]string{{"rnu"}, {"run", "now"}, {"run", "--mqtt-hots=a"}, {"version", "1"}, {"check", "--connect=perhaps"}} {
		wants(t, execute(t, nil, args...), 2, nil, []string{"chanmqttproxy: "})
	}
}

// TestSubscriptionsAreChecked: those of the file have their faults with all
// others.
func TestSubscriptionsAreChecked(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "c.yaml")
	content := "mqtt_port: x\nsubscriptions:\n- {topic: a, group: g, qos: 3}\n- {topic: a}\n"
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"run", "dev", "check"} {
		wants(t, execute(t, nil, verb, "--config="+file), 2, nil, []string{
			"3 faults", "mqtt_port (", "subscriptions[0].qos (" + file + "): must be 0, 1 or 2", "subscriptions[1].group (",
		})
	}
}

func TestFaultsAreListed(t *testing.T) {
	t.Parallel()
	for _, verb := range []string{"run", "dev", "check"} {
		r := execute(t, []string{"MQTT_PORT=x", "MQTT_HSOT=y", "REDIS_URL=hunter2"}, verb, "--log-level=loud")
		wants(t, r, 2, nil, []string{"3 faults", "MQTT_PORT (environment): ", "did you mean MQTT_HOST?", "REDIS_URL (environment): ", "--log-level (flag): "})
		if strings.Contains(r.errors+r.out, "hunter2") {
			t.Errorf("%s shows a secret: %s", verb, r.errors)
		}
	}
}
