package e2e_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/paho"

	"chanmqttproxy/test/kit"
)

// Every example of README.md, and of the reference of the commands, does what stands beside
// it, in a real site with the settings that the reference shows.
func TestReadme(t *testing.T) {
	t.Parallel()
	redis, broker := kit.Redis(t), kit.Mosquitto(t)
	kit.NewDevice(t, broker.Addr()).Retain("house/boiler/state", "off")
	config := filepath.Join(t.TempDir(), "chanmqttproxy.yaml")
	if err := os.WriteFile(config, []byte(strings.Join(examples(t, reference, "yaml"), "")), 0o600); err != nil {
		t.Fatal(err)
	}
	worker := kit.Worker(t, []string{"REDIS_URL=" + redis.URL(), "MQTT_HOST=" + broker.Addr()}, "run", "--config", config)
	lamp, meter := kit.NewDevice5(t, broker.Addr()), kit.NewDevice5(t, broker.Addr())
	lamp.Listen("house/lamp/set", 1)
	meter.Answer("house/gas/get", func(question string) string {
		return map[string]string{"reading": "42"}[question]
	})

	site := readmeSite(t, redis.URL(), broker)
	for _, step := range []struct {
		said string
		do   func()
	}{{"broker: stop", broker.Stop}, {"broker: start", broker.Start}} {
		kit.Eventually(t, 2*time.Minute, "the examples say "+step.said, func() bool {
			return strings.Contains(site.Output(), step.said) || ended(site)
		})
		step.do()
	}
	if code := site.ExitCode(time.Minute); code != 0 {
		t.Fatalf("the examples ended with %d", code)
	}
	switched(t, lamp.Heard())
	worker.Stop()
}

// readmeSite starts the Python of both.
func readmeSite(t *testing.T, redisURL string, broker *kit.MosquittoServer) *kit.Process {
	t.Helper()
	kit.Need(t, "mosquitto_pub")
	script, err := os.ReadFile("testdata/readme.py")
	if err != nil {
		t.Fatal(err)
	}
	blocks, err := json.Marshal([][]string{examples(t, "README.md", "python"), examples(t, reference, "python")})
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := strings.Cut(broker.Addr(), ":")
	return kit.StartPython(t, "README.md", string(script), redisURL, port, string(blocks))
}

// switched checks what the example of a publish published.
func switched(t *testing.T, heard []*paho.Publish) {
	t.Helper()
	if len(heard) != 1 || string(heard[0].Payload) != `{"on": true}` || heard[0].Retain ||
		heard[0].Properties.MessageExpiry == nil || heard[0].Properties.User.Get("page") != "switch" {
		t.Errorf("the lamp heard %+v", heard)
	}
}

// reference is the document of all commands.
const reference = "runtime/command/README.md"

// examples are the blocks of a document in one language.
func examples(t *testing.T, name, language string) (list []string) {
	t.Helper()
	for _, m := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(document(t, name), -1) {
		list = append(list, m[1])
	}
	if list == nil {
		t.Fatalf("%s has no %s", name, language)
	}
	return list
}

// document is the text of a file of the project.
func document(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func ended(p *kit.Process) bool {
	select {
	case <-p.Ended():
		return true
	default:
		return false
	}
}

// The reference names every code with which a command may fail.
func TestReadmeNamesAllCodes(t *testing.T) {
	t.Parallel()
	for file, constant := range map[string]string{
		"../../messages/reply.go":        `(?m)^\tCode\w+ += "([a-z-]+)"`,
		"../../runtime/command/error.go": `(?m)^\t\w+ += "([a-z-]+)"`,
	} {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		codes := regexp.MustCompile(constant).FindAllSubmatch(source, -1)
		if codes == nil {
			t.Errorf("%s has no codes", file)
		}
		for _, code := range codes {
			if !regexp.MustCompile("(?m)^\\| `.*\\b" + string(code[1]) + "`.* \\|$").MatchString(document(t, reference)) {
				t.Errorf("%s does not explain %s", reference, code[1])
			}
		}
	}
}
