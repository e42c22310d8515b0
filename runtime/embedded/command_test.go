package embedded

import (
	"bufio"
	"slices"
	"strings"
	"testing"
)

func TestReadCommand(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][]string{
		"*1\r\n$4\r\nPING\r\n":                    {"PING"},
		"*2\r\n$3\r\nGET\r\n$0\r\n\r\n":           {"GET", ""},
		"*2\r\n$1\r\nA\r\n$4\r\n\r\n\x00\xff\r\n": {"A", "\r\n\x00\xff"},
		"*0\r\n":                    nil,
		"*-1\r\n":                   nil,
		"*1\n$4\r\nPING\r\n":        nil,
		"*1x\r\n$4\r\nPING\r\n":     nil,
		"PING\r\n":                  nil,
		"*2\r\n$4\r\nPING\r\n":      nil,
		"*99999999999999999999\r\n": nil,
		"*1\r\n$99999999999\r\n":    nil,
		"*1\r\n$500000000\r\nshort": nil,
		"\n":                        nil,
		"":                          nil,
	} {
		got, err := readCommand(bufio.NewReader(strings.NewReader(in)))
		if !slices.Equal(got, want) || (err == nil) != (want != nil) {
			t.Errorf("%q: %q %v, want %q", in, got, err, want)
		}
	}
}

// FuzzReadCommand: whatever comes, it is read as a command with a name or refused.
func FuzzReadCommand(f *testing.F) {
	f.Add("*2\r\n$9\r\nSUBSCRIBE\r\n$1\r\nc\r\n")
	f.Add("*1\r\n$500000000\r\nshort")
	f.Fuzz(func(t *testing.T, in string) {
		args, err := readCommand(bufio.NewReader(strings.NewReader(in)))
		if err == nil && len(args) == 0 {
			t.Errorf("%q is a command of nothing", in)
		}
	})
}
