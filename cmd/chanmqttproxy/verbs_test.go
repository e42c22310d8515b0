package main_test

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"

	"chanmqttproxy/test/kit"
)

// use is a run of the program, and what it is to leave.
type use struct {
	environ   []string
	args      string
	code      int
	out, errs string
}

// verbs are those that end by themselves, in every way; others have tests of their own
// for when they are done.
func verbs(t *testing.T) map[string][]use {
	nobody := "127.0.0.1:" + strconv.Itoa(kit.FreePort(t))
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { taken.Close() })
	away := []string{"REDIS_URL=redis://" + nobody, "MQTT_HOST=" + nobody, "HTTP_LISTEN=" + nobody}
	there := []string{"REDIS_URL=redis://" + startRedis(t).Addr()}
	bad := []string{"MQTT_PORT=x"}
	occupied := []string{"HTTP_LISTEN=" + taken.Addr().String()}
	return map[string][]use{
		"run": {
			{occupied, "run", 1, "", "listening for HTTP"}, {bad, "run", 2, "", "MQTT_PORT (environment)"}, {nil, "run x", 2, "", `unknown command "x"`},
		},
		"dev": {
			{occupied, "dev", 1, "", "listening for HTTP"}, {bad, "dev", 2, "", "MQTT_PORT (environment)"}, {nil, "dev x", 2, "", `unknown command "x"`},
		},
		"check": {
			{away, "check", 0, "broker     mqtt://" + nobody, ""}, {away, "check --connect", 1, "FAILED", "2 of 2 connections failed"}, {bad, "check", 2, "", "1 fault"},
		},
		"config": {
			{nil, "config", 0, "Available Commands", ""}, {nil, "config prnt", 2, "", "did you mean print?"},
			{nil, "config print", 0, "# mqtt_host: \"localhost\"", ""}, {bad, "config print", 2, "", "1 fault"},
			{nil, "config schema", 0, `"$schema"`, ""}, {nil, "config env", 0, "#MQTT_HOST=localhost", ""}, {nil, "config env x", 2, "", "unknown command"},
		},
		"tree": {
			{away, "tree", 1, "", "does it run with HTTP_LISTEN"}, {bad, "tree", 2, "", "1 fault"}, {nil, "tree --wathc", 2, "", "--help lists all flags"},
		},
		"send": {
			{nil, "send", 0, "Available Commands", ""}, {nil, "send pubish", 2, "", "did you mean publish?"},
			{away, "send status", 1, "", "redis"}, {there, "send publish topic", 2, "", "KEY=VALUE"}, {there, "send publish payload=x", 2, "", "a topic is wanted"}, {there, "send subscribe", 2, "", "a topic is wanted"}, {bad, "send request", 2, "", "1 fault"},
		},
		"listen": {
			{away, "listen house", 1, "", "redis"}, {nil, "listen", 2, "", "one GROUP is wanted, not 0: give chanmqttproxy listen house"}, {nil, "listen a b", 2, "", "one GROUP is wanted, not 2"}, {there, "listen a!", 2, "", "must hold only"},
		},
		"healthcheck": {
			{away, "healthcheck", 1, "", "does it run with HTTP_LISTEN"}, {away, "healthcheck --live", 1, "", "does it run"}, {bad, "healthcheck", 2, "", "1 fault"},
		},
		"version": {
			{nil, "version", 0, "chanmqttproxy v0.0.0-test go1.", ""}, {nil, "version x", 2, "", `unknown command "x"`},
		},
		"completion": {
			{nil, "completion bash", 0, "bash completion", ""}, {nil, "completion zsh", 0, "#compdef chanmqttproxy", ""}, {nil, "completion fish", 0, "fish completion", ""},
			{nil, "completion tcsh", 2, "", `unknown command "tcsh"`}, {nil, "completion bash x", 2, "", `unknown command "x"`},
		},
		"dead-letters": {
			{there, "dead-letters list", 0, "ID  TIME", ""}, {there, "dead-letters replay", 0, "put back: 0", ""}, {there, "dead-letters drop --all", 0, "dropped: 0", ""},
			{there, "dead-letters drop", 2, "", "give the IDs of those to drop, or --all"}, {there, "dead-letters drop x --all", 2, "", "not both"},
			{there, "dead-letters drop nothing", 1, "dropped: 0", "1 of the 1 dead letters do not exist"}, {there, "dead-letters replay nothing", 1, "put back: 0", "do not exist"},
			{there, "dead-letters list --stream s", 0, "TOPIC", ""}, {there, "dead-letters replay --stream s", 0, "put back: 0", ""}, {there, "dead-letters drop --all --stream s", 0, "dropped: 0", ""},
			{there, "dead-letters drop --stream s 1-1", 1, "dropped: 0", "do not exist"}, {there, "dead-letters drop --stream s x", 2, "", "no ID of a stream's dead letter"},
			{there, "dead-letters list --stream a:b", 2, "", "a stream name must hold only"}, {away, "dead-letters list --stream s", 1, "", "redis"},
			{away, "dead-letters list", 1, "", "redis"}, {there, "dead-letters list x", 2, "", "unknown command"}, {nil, "dead-letters lst", 2, "", "did you mean list?"},
		},
		"help": {{nil, "help run", 0, "Examples:", ""}},
	}
}

// TestVerbs: every verb's output and exit code.
func TestVerbs(t *testing.T) {
	t.Parallel()
	tried := verbs(t)
	for line := range strings.Lines(execute(t, nil, "__complete", "").out) {
		verb, _, isVerb := strings.Cut(line, "\t")
		if isVerb && tried[verb] == nil {
			t.Errorf("no test of the verb %s", verb)
		}
	}
	for _, uses := range tried {
		for _, u := range uses {
			t.Run(u.args, func(t *testing.T) {
				t.Parallel()
				wants(t, execute(t, u.environ, strings.Fields(u.args)...), u.code, []string{u.out}, []string{u.errs})
			})
		}
	}
}

// TestNobodyReads: what cannot be written is a failure.
func TestNobodyReads(t *testing.T) {
	t.Parallel()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { full.Close() })
	for _, args := range []string{"version", "check", "config print", "config schema", "config env", "completion bash"} {
		c := command(t, nil, strings.Fields(args)...)
		c.Stdout = full
		if err := c.Run(); err == nil || c.ProcessState.ExitCode() != 1 {
			t.Errorf("%s: %v", args, err)
		}
	}
}

// TestNoEscapes: without a terminal the verbs that go on write plain lines as well.
func TestNoEscapes(t *testing.T) {
	t.Parallel()
	listen := fmt.Sprintf("HTTP_LISTEN=127.0.0.1:%d", kit.FreePort(t))
	dev := launch(t, []string{listen, "LOG_FORMAT=text", "TERM=xterm-256color", "CLICOLOR_FORCE=1"}, "dev")
	dev.waitFor("connected to the MQTT broker")
	tree := launch(t, []string{listen, "TERM=xterm-256color"}, "tree", "--watch")
	kit.Eventually(t, shutdown, "it goes on", func() bool { return strings.Count(tree.written(), "Reader") > 1 })
	if strings.Contains(dev.written()+tree.written(), "\x1b") {
		t.Error("there are escapes where there is no terminal")
	}
}
