package kit

import (
	"context"
	"net/http"
	"strconv"
	"testing"
	"time"
)

// SiteServer is the Django site of test/site, served by Daphne.
type SiteServer struct {
	*Process
	// URL is the site's front page, without a slash at the end.
	URL string

	t              testing.TB
	redisURL, port string
}

// Site serves the example site on a free port, with the Redis at redisURL as
// its channel layer, and returns when it answers.
func Site(t testing.TB, redisURL string) *SiteServer {
	t.Helper()
	port := strconv.Itoa(FreePort(t))
	s := &SiteServer{URL: "http://127.0.0.1:" + port, t: t, redisURL: redisURL, port: port}
	s.Start()
	return s
}

// Start starts the site again after Stop or Kill, at the same URL.
func (s *SiteServer) Start() {
	s.t.Helper()
	cmd := pythonCommand(context.Background(), s.t, "-m", "daphne",
		"--bind", "127.0.0.1", "--port", s.port, "mysite.asgi:application")
	cmd.Env = append(cmd.Env, "REDIS_URL="+s.redisURL)
	s.Process = Start(s.t, "site", cmd)
	s.waitFor(time.Minute, "answers at "+s.URL, s.answers)
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
