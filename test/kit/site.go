package kit

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// SiteServer is the Django site of test/site, served by Daphne.
type SiteServer struct {
	*Process
	// URL is the site's front page, without a slash at the end.
	URL string

	t    testing.TB
	env  []string
	port string
}

// Site serves the example site on a free port, with the Redis at redisURL as
// its channel layer and an empty database of the test's own, and returns when it
// answers. More of its environment may be given ("PGDATABASE=…").
func Site(t testing.TB, redisURL string, env ...string) *SiteServer {
	t.Helper()
	port := strconv.Itoa(FreePort(t))
	s := &SiteServer{URL: "http://127.0.0.1:" + port, t: t, port: port}
	s.env = append([]string{"REDIS_URL=" + redisURL, "DATABASE=" + filepath.Join(t.TempDir(), "site.sqlite3")}, env...)
	s.Start()
	return s
}

// SiteFile is the path of a file of the example site ("manage.py").
func SiteFile(name string) string { return filepath.Join(siteDir(), name) }

// Start starts the site again after Stop or Kill, at the same URL.
func (s *SiteServer) Start() {
	s.t.Helper()
	s.Process = Start(s.t, "site", s.python("-m", "daphne",
		"--bind", "127.0.0.1", "--port", s.port, "mysite.asgi:application"))
	s.waitFor(time.Minute, "answers at "+s.URL, s.answers)
}

// Manage runs a command of manage.py to its end and returns what it wrote.
func (s *SiteServer) Manage(args ...string) string {
	s.t.Helper()
	out, err := s.python(append([]string{"manage.py"}, args...)...).CombinedOutput()
	if err != nil {
		s.t.Fatalf("manage.py %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// StartManage starts a command of manage.py that stays, with the program under test
// where the Python package finds it. It is killed when the test ends.
func (s *SiteServer) StartManage(args ...string) *Process {
	s.t.Helper()
	bin := s.t.TempDir()
	if err := os.Symlink(Binary(s.t), filepath.Join(bin, "chanmqttproxy")); err != nil {
		s.t.Fatal(err)
	}
	cmd := s.python(append([]string{"manage.py"}, args...)...)
	cmd.Env = append(cmd.Env, "PATH="+bin+":"+os.Getenv("PATH"))
	return Start(s.t, "manage.py "+strings.Join(args, " "), cmd)
}

// python is the site's Python with the settings of this server.
func (s *SiteServer) python(args ...string) *exec.Cmd {
	s.t.Helper()
	cmd := pythonCommand(context.Background(), s.t, args...)
	cmd.Env = append(cmd.Env, s.env...)
	return cmd
}

// Stop ends the site as a service manager does.
func (s *SiteServer) Stop() {
	s.t.Helper()
	s.Process.Stop(waitLimit)
}

// answers asks for a page that needs no database.
func (s *SiteServer) answers() bool {
	client := http.Client{Timeout: 5 * time.Second}
	defer client.CloseIdleConnections()
	response, err := client.Get(s.URL + "/chat/")
	if err != nil {
		return false
	}
	response.Body.Close()
	return response.StatusCode == http.StatusOK
}
