package devpage

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// cookie is the name of the one that stands for the token.
const cookie = "chanmqttproxy"

// header is what a request that does something must have: no page of another
// site can add it.
const header = "X-Chanmqttproxy"

// guard lets those in who may come in.
func (p *Page) guard(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Referrer-Policy", "no-referrer")
		w.Header().Set("X-Frame-Options", "DENY")
		w.Header().Set("Cross-Origin-Resource-Policy", "same-origin")
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		switch status, text := p.barred(r); {
		case status != 0:
			refuse(w, status, text)
		case p.Token != "" && r.URL.Query().Has("token"):
			p.takeToken(w, r)
		case !p.known(r):
			refuse(w, http.StatusUnauthorized, "a token is needed (HTTP_TOKEN): open this page with ?token=… once, or send Authorization: Bearer …")
		default:
			h.ServeHTTP(w, r)
		}
	})
}

// barred says why a request comes from where none may come from.
func (p *Page) barred(r *http.Request) (status int, text string) {
	switch {
	case p.Loopback && !namesLoopback(r.Host):
		return http.StatusMisdirectedRequest, "this page answers to localhost, 127.0.0.1 and [::1] only"
	case foreign(r):
		return http.StatusForbidden, "this is not for pages of other sites"
	case r.Method == http.MethodPost && r.Header.Get(header) == "":
		return http.StatusForbidden, "a POST needs the header " + header + ": 1"
	}
	return 0, ""
}

// foreign says whether a page of another origin sent a request. To follow a link
// to the page from elsewhere is fine.
func foreign(r *http.Request) bool {
	if origin := r.Header.Get("Origin"); origin != "" {
		u, err := url.Parse(origin)
		return err != nil || !strings.EqualFold(u.Host, r.Host)
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
		return false
	}
	return r.Header.Get("Sec-Fetch-Mode") != "navigate" || r.Method != http.MethodGet
}

// known says whether a request shows the token, or needs none.
func (p *Page) known(r *http.Request) bool {
	if p.Token == "" {
		return true
	}
	if shown, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return p.isToken(shown)
	}
	c, err := r.Cookie(cookie)
	return err == nil && subtle.ConstantTimeCompare([]byte(c.Value), []byte(p.pass())) == 1
}

// isToken compares in a time that tells nothing.
func (p *Page) isToken(shown string) bool {
	a, b := sha256.Sum256([]byte(shown)), sha256.Sum256([]byte(p.Token))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// pass is what the cookie holds: not the token.
func (p *Page) pass() string {
	mac := hmac.New(sha256.New, []byte(p.Token))
	mac.Write([]byte(cookie))
	return hex.EncodeToString(mac.Sum(nil))
}

// takeToken takes the token of the address, which is not to stay there.
func (p *Page) takeToken(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	if !p.isToken(query.Get("token")) {
		refuse(w, http.StatusUnauthorized, "that is not the token (HTTP_TOKEN)")
		return
	}
	query.Del("token")
	http.SetCookie(w, &http.Cookie{
		Name: cookie, Value: p.pass(), Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https",
	})
	// Only the path, so that nobody is sent elsewhere.
	to := url.URL{Path: "/" + strings.TrimLeft(r.URL.Path, `/\`), RawQuery: query.Encode()}
	http.Redirect(w, r, to.String(), http.StatusSeeOther)
}

// namesLoopback tells whether a Host header names this machine itself.
func namesLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
