package layer_test

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"chanmqttproxy/runtime/layer"
	"chanmqttproxy/test/golden"
	"chanmqttproxy/test/kit"
)

// FuzzJSON reads anything as a JSON message. What can be read can be written,
// and read again to the same value; encoding/json then reads it too, but for the
// names of what is not finite.
func FuzzJSON(f *testing.F) {
	var file serializerFile
	golden.Load(f, "serializer.json", &file)
	for _, row := range file.JSONDecode {
		body, _ := base64.StdEncoding.DecodeString(row.B64)
		f.Add(string(body))
	}
	config := layer.Config{Serializer: layer.JSON}
	f.Fuzz(func(t *testing.T, body string) {
		checkHead(t, config, body)
		m, err := config.DecodeBody(body)
		if err != nil {
			return
		}
		written, err := config.EncodeBody(m)
		if err != nil {
			t.Fatalf("writing what was read: %v", err)
		}
		if again, err := config.DecodeBody(string(written)); err != nil || dump(again) != dump(m) {
			t.Errorf("%s became %s: %v", dump(m), dump(again), err)
		}
		finite := !strings.Contains(string(written), "NaN") && !strings.Contains(string(written), "Infinity")
		if finite && !json.Valid(written) {
			t.Errorf("wrote %s", written)
		}
		for _, c := range written {
			if c < ' ' || c > '~' {
				t.Fatalf("wrote the byte %#x", c)
			}
		}
	})
}

// FuzzToken opens anything as a token: only what was encrypted opens.
func FuzzToken(f *testing.F) {
	var file fernetFile
	golden.Load(f, "fernet.json", &file)
	made := map[string]bool{}
	for _, row := range file.Decrypt {
		token, _ := base64.StdEncoding.DecodeString(row.Token)
		f.Add(string(token), []byte("plain"))
		if row.Plain != nil {
			text, _ := base64.StdEncoding.DecodeString(*row.Plain)
			made[string(text)] = true
		}
	}
	keys := []string{"secret", "older"}
	now := time.Unix(1700000000, 0)
	f.Fuzz(func(t *testing.T, token string, text []byte) {
		if got, err := layer.Decrypt(keys, token, time.Hour, now); err == nil && !made[string(got)] {
			t.Errorf("opened to %q", got)
		}
		again, err := layer.Decrypt(keys, layer.Encrypt(keys, text, now, [16]byte{1}), time.Hour, now)
		if err != nil || string(again) != string(text) {
			t.Errorf("%q became %q: %v", text, again, err)
		}
	})
}

const fnmatchServer = `
import fnmatch, json, sys
for line in sys.stdin:
    try:
        name, glob = json.loads(line)
        print(int(fnmatch.fnmatchcase(name, glob)), flush=True)
    except Exception as e:
        print("error", type(e).__name__, flush=True)
`

// fnmatch asks Python's fnmatchcase.
type fnmatch struct {
	mu  sync.Mutex
	in  io.Writer
	out *bufio.Reader
}

func newFnmatch(t testing.TB) *fnmatch {
	cmd := exec.Command(kit.Need(t, "python3"), "-c", fnmatchServer)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	return &fnmatch{in: in, out: bufio.NewReader(out)}
}

func (f *fnmatch) match(t *testing.T, name, glob string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	line, err := json.Marshal([]string{name, glob})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(f.in, "%s\n", line)
	answer, err := f.out.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(answer)
}

// patternCorpus are patterns with every odd form of a set.
var patternCorpus = []string{
	"", "*", "?", "a*b*c", "**a?", "[abc]", "[!abc]", "[]a]", "[!]a]", "[]", "[!]", "[a-]", "[-a]", "[z-a]", "[!z-a]x", "[a-c-e]",
	"[--0]", "[]-a]", "[^a]", "[&&a]", "[[a]", "[!]-a]", `[a\]`, `\*`, "[!!]", "[a-c--]", "[!-a]", "[!a-]", "[z-a!x]", "[z-ay-b]",
	"[z-a!-b]", "q[", "q[a", "[a-z]*[!0-9]", "*!*", "specific.*!??", "[é-ü]", "*é", "[z-a^a]", "[!z-a!x]", "[~||]", "[a-a]", "[z-y-x]", "*[", "[*]", "[?]",
}

// FuzzPattern compares with Python's fnmatch.
func FuzzPattern(f *testing.F) {
	python := newFnmatch(f)
	names := []string{"", "a", "b", "!", "^", "-", "]", "[", "x", "ax", "!x", `\`, "*", "abc", "é", "a!b", "specific.a!bc", "q[", "q[a", "&", "z", "0", "mqtt"}
	for _, glob := range patternCorpus {
		for _, name := range names {
			f.Add(name, glob)
		}
	}
	f.Fuzz(func(t *testing.T, name, glob string) {
		if len(name) > 100 || len(glob) > 100 || !utf8.ValidString(name) || !utf8.ValidString(glob) {
			return
		}
		want := python.match(t, name, glob)
		if got := fmt.Sprint(btoi(layer.Pattern{Glob: glob}.Match(name))); got != want {
			t.Errorf("%q matches %q: %s, Python: %s", name, glob, got, want)
		}
	})
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// TestPatternsLikePython compares with fnmatch over many patterns of few
// characters, which stand in sets and ranges of all kinds.
func TestPatternsLikePython(t *testing.T) {
	t.Parallel()
	python := newFnmatch(t)
	random := rand.New(rand.NewPCG(1, 2))
	text := func(alphabet string, most int) string {
		b := make([]byte, random.IntN(most+1))
		for i := range b {
			b[i] = alphabet[random.IntN(len(alphabet))]
		}
		return string(b)
	}
	for range 5000 {
		glob, name := text("abc-![]^*?[]", 9), text("abc-!]^[", 3)
		if random.IntN(2) == 0 {
			glob = "[" + text("abc-!^-", 7) + "]"
		}
		if got, want := fmt.Sprint(btoi(layer.Pattern{Glob: glob}.Match(name))), python.match(t, name, glob); got != want {
			t.Errorf("%q matches %q: %s, Python: %s", name, glob, got, want)
		}
	}
}
