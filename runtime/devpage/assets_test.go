package devpage_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"chanmqttproxy/runtime/devpage"
)

func ask(method, path string, header http.Header) *http.Response {
	r := httptest.NewRequest(method, path, nil)
	r.Header = header
	w := httptest.NewRecorder()
	devpage.Assets().ServeHTTP(w, r)
	return w.Result()
}

func TestAssets(t *testing.T) {
	t.Parallel()
	for path, media := range map[string]string{"/": "text/html", "/app.js": "text/javascript", "/page.css": "text/css", "/icon.svg": "image/svg+xml"} {
		r := ask("GET", path, nil)
		if r.StatusCode != http.StatusOK || !strings.HasPrefix(r.Header.Get("Content-Type"), media) {
			t.Errorf("%s: %s, %s", path, r.Status, r.Header.Get("Content-Type"))
		}
		if policy := r.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s may %s", path, policy)
		}
		again := ask("GET", path, http.Header{"If-None-Match": {r.Header.Get("ETag")}})
		if again.StatusCode != http.StatusNotModified || again.Header.Get("Cache-Control") != "no-cache" {
			t.Errorf("%s again: %s, %v", path, again.Status, again.Header)
		}
	}
}

func TestOnlyAssets(t *testing.T) {
	t.Parallel()
	for path, status := range map[string]int{"/nothing.js": 404, "/assets/app.js": 404, "/../assets.go": 404} {
		if r := ask("GET", path, nil); r.StatusCode != status {
			t.Errorf("%s: %s", path, r.Status)
		}
	}
	if r := ask("POST", "/", nil); r.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %s", r.Status)
	}
}

// TestNothingFromElsewhere: the page works without a network, and its policy
// forbids inline code and styles.
func TestNothingFromElsewhere(t *testing.T) {
	t.Parallel()
	page := httptest.NewRecorder()
	devpage.Assets().ServeHTTP(page, httptest.NewRequest("GET", "/", nil))
	for _, no := range []string{"http:", "https:", "style=", "onclick", "<script>"} {
		if strings.Contains(page.Body.String(), no) {
			t.Errorf("the page has %s", no)
		}
	}
}
