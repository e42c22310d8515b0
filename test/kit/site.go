package kit

import (
	"context"
	"net/http"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// SiteServer is the Django site of test/site, served by Daphne.
type SiteServer struct {
	*Process
	// URL is the site's front page, without a slash at the end.
	URL string

	t                        testing.TB
	redisURL, database, port string
}

// Site serves the example site on a free port, with the Redis at redisURL as
// its channel layer and an empty database of the test's own, and returns when it
// answers.
func Site(t testing.TB, redisURL string) *SiteServer {
	t.Helper()
	port := strconv.Itoa(FreePort(t))
	s := &SiteServer{URL: "http://127.0.0.1:" + port, t: t, redisURL: redisURL, port: port}
	s.database = filepath.Join(t.TempDir(), "site.sqlite3")
	s.Start()
	return s
}

// SiteFile is the path of a file of the example site ("chanmqttproxy.yaml").
func SiteFile(name string) string { return filepath.Join(siteDir(), name) }

// Start starts the site again after Stop or Kill, at the same URL.
func (s *SiteServer) Start() {
	s.t.Helper()
	s.Process = Start(s.t, "site", s.python("-m", "daphne",
		"--bind", "127.0.0.1", "--port", s.port, "mysite.asgi:application"))
	s.waitFor(time.Minute, "answers at "+s.URL, s.answers)
}

// RunWorker makes the tables of the database and starts "manage.py runworker" for
// a channel of the site. It is killed when the test ends.
func (s *SiteServer) RunWorker(channel string) *Process {
	s.t.Helper()
	if out, err := s.python("manage.py", "migrate").CombinedOutput(); err != nil {
		s.t.Fatalf("manage.py migrate: %v\n%s", err, out)
	}
	return Start(s.t, "runworker "+channel, s.python("manage.py", "runworker", channel))
}

// python is the site's Python with the settings of this server.
func (s *SiteServer) python(args ...string) *exec.Cmd {
	s.t.Helper()
	cmd := pythonCommand(context.Background(), s.t, args...)
	cmd.Env = append(cmd.Env, "REDIS_URL="+s.redisURL, "DATABASE="+s.database)
	return cmd
}

// Stop ends the site as a service manager does.
func (s *SiteServer) Stop() {
	s.t.Helper()
	s.Process.Stop(20 * time.Second)
}

func (s *SiteServer) answers() bool {
	client := http.Client{Timeout: 5 * time.Second}
	defer client.CloseIdleConnections()
	response, err := client.Get(s.URL + "/")
	if err != nil {
		return false
	}
	response.Body.Close()
	return response.StatusCode == http.StatusOK
}
