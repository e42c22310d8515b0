package status

import (
	"net"
	"net/http"
	"net/netip"
)

// guard chooses what a request may see.
func (s *Server) guard() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		switch {
		case s.loopback && !namesLoopback(r.Host):
			http.Error(w, "this listener answers to localhost, 127.0.0.1 and [::1] only", http.StatusMisdirectedRequest)
		case s.loopback && !s.isPublic(r):
			s.local.ServeHTTP(w, r)
		default:
			s.public.ServeHTTP(w, r)
		}
	})
}

func (s *Server) isPublic(r *http.Request) bool {
	_, pattern := s.public.Handler(r)
	return pattern != ""
}

// namesLoopback tells whether a Host header names this machine itself.
func namesLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if len(host) > 1 && host[0] == '[' {
		host = host[1 : len(host)-1]
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

func isLoopback(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}
