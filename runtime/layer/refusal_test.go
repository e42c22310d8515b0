package layer

import (
	"testing"
	"time"
)

func TestRefusalIn(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]string{
		"OOM command not allowed when used memory > 'maxmemory'.":                                          "OOM",
		"OOM command not allowed when used memory > 'maxmemory'. script: 5d, on @user_script:18.":          "OOM",
		"ERR Error running script (call to f_5d): @user_script:1: -OOM command not allowed":                "OOM",
		"MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.": "MISCONF",
		"READONLY You can't write against a read only replica.":                                            "READONLY",
		"NOREPLICAS Not enough good replicas to write.":                                                    "NOREPLICAS",
		"ERR max number of clients reached":                                                                "clients",
		"WRONGTYPE Operation against a key holding the wrong kind of value":                                "WRONGTYPE",
		"NOPERM User worker has no permissions to run the 'time' command":                                  "NOPERM",
		"ERR unknown command 'TIME', with args beginning with: ":                                           "unknown command",
		"ERR Unknown Redis command called from script script: 5d, on @user_script:7.":                      "unknown command",
		"ERR Error running script (call to 5d): @user_script:57: script tried accessing undeclared key":    "undeclared key",
		"LATE the commands may be read by another now":                                                     "LATE",
		"EXECABORT Transaction discarded because of previous errors.":                                      "",
		"NOSCRIPT No matching script. Please use EVAL.":                                                    "",
		"LOADING Redis is loading the dataset in memory":                                                   "",
		"dial tcp 127.0.0.1:6379: connect: connection refused":                                             "",
	} {
		if got := refusalIn(answer); got.kind != want || (got.words == "") != (want == "") {
			t.Errorf("%s: %q, want %q", answer, got, want)
		}
	}
}

func TestRefusalsAreSaidOnce(t *testing.T) {
	t.Parallel()
	var r Refusals
	start := time.Now()
	for i, step := range []struct {
		key  string
		at   time.Duration
		want bool
	}{
		{"a", 0, true}, {"a", time.Second, false}, {"b", time.Second, true}, {"a", time.Minute, false},
		{"a", 2 * time.Minute, false}, {"a", 3*time.Minute + time.Second, true}, {"b", 3 * time.Minute, true},
	} {
		if got := r.fresh(step.key, start.Add(step.at)); got != step.want {
			t.Errorf("step %d: %v", i, got)
		}
	}
}
