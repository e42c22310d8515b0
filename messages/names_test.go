package messages_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"chanmqttproxy/messages"
)

// refused are the names that channels_redis takes and we do not create, with
// the reason. Its patterns are Unicode-aware and end in "$", which also stands
// before a newline; the documented rule is ASCII.
var refused = map[string]string{
	"a\n":      "a newline at the end",
	"a!\n":     "a newline at the end",
	"a!b\n":    "a newline at the end",
	"a\u0663":  "a digit that is not ASCII",
	"\u0663":   "a digit that is not ASCII",
	"a!\u0663": "a digit that is not ASCII",
	"a!é":      "a letter that is not ASCII",
	"a!日本":     "letters that are not ASCII",
	"a!²":      "a word character that is not ASCII",
	"a!ª":      "a letter that is not ASCII",

	"a!" + strings.Repeat("é", 97): "letters that are not ASCII",
}

type recordedName struct {
	Name     string
	Channel  bool
	Group    bool
	NonLocal string `json:"non_local"`
}

// recorded are names with what channels_redis 4.3 said of them.
func recorded(t *testing.T) []recordedName {
	t.Helper()
	bytes, err := os.ReadFile("../test/golden/names.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Names []recordedName }
	if err := json.Unmarshal(bytes, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Names) == 0 {
		t.Fatal("no names in the file")
	}
	return file.Names
}

func TestNamesAsRecorded(t *testing.T) {
	t.Parallel()
	strict := map[string]bool{}
	for _, name := range recorded(t) {
		_, refuse := refused[name.Name]
		if got := messages.ValidChannel(name.Name); (got == nil) != (name.Channel && !refuse) {
			t.Errorf("ValidChannel(%q): %v, channels_redis says %v", name.Name, got, name.Channel)
		}
		if got := messages.ValidGroup(name.Name); (got == nil) != (name.Group && !refuse) {
			t.Errorf("ValidGroup(%q): %v, channels_redis says %v", name.Name, got, name.Group)
		}
		if got := messages.NonLocal(name.Name); name.Channel && got != name.NonLocal {
			t.Errorf("NonLocal(%q) = %q, want %q", name.Name, got, name.NonLocal)
		}
		strict[name.Name] = refuse && name.Channel
	}
	for name, reason := range refused {
		if !strict[name] {
			t.Errorf("%q (%s) is no recorded name that channels_redis takes", name, reason)
		}
	}
}

func TestNameErrors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		check func(string) error
		name  string
		want  string
	}{
		{messages.ValidGroup, "", "must not be empty"},
		{messages.ValidGroup, "house/kitchen", `not '/'`},
		{messages.ValidGroup, "a!b", `not '!'`},
		{messages.ValidGroup, "a\xff", "not '"},
		{messages.ValidGroup, strings.Repeat("a", 100), "at most 99 characters, this has 100"},
		{messages.ValidChannel, "!a", "must not begin"},
		{messages.ValidChannel, "a!b!", `at most one "!"`},
		{messages.ValidChannel, strings.Repeat("é", 70_000), "this has 70000"},
	} {
		if err := test.check(test.name); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%.20q: %v, want an error about %q", test.name, err, test.want)
		}
	}
}
