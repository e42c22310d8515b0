package status

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"
)

// Options are what a Server has to tell. All but Pprof are needed.
type Options struct {
	// Live returns an error when the process is beyond help and is to be killed.
	Live func() error
	// Ready says whether the worker does its work now.
	Ready func() Readiness
	// Metrics serves /metrics.
	Metrics http.Handler
	// Pprof serves Go's profiles on loopback.
	Pprof bool
	Log   *slog.Logger
}

// Readiness is the answer of /readyz. Reasons say why it is not ready, and Notes what is
// wrong all the same.
type Readiness struct {
	Ready   bool     `json:"ready"`
	Reasons []string `json:"reasons,omitempty"`
	Notes   []string `json:"notes,omitempty"`
	// Refused is how many subscriptions the MQTT broker does not take.
	Refused int `json:"subscriptions_refused,omitempty"`
}

// Server answers on one listener.
type Server struct {
	listener net.Listener
	loopback bool
	public   *http.ServeMux
	local    *http.ServeMux
	http     *http.Server
}

// answerTime is how long making and writing an answer about health or metrics may take.
const answerTime = 20 * time.Second

// New makes a server for a listener, which it owns from now on.
func New(l net.Listener, o Options) *Server {
	s := &Server{listener: l, loopback: isLoopback(l.Addr()), public: http.NewServeMux(), local: http.NewServeMux()}
	s.http = &http.Server{
		Handler:           punctual(s.guard()),
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug),
	}
	s.public.Handle("GET /livez", timed(live(o.Live)))
	s.public.Handle("GET /readyz", timed(ready(o.Ready)))
	s.public.Handle("GET /metrics", timed(o.Metrics))
	if o.Pprof {
		s.profiles()
	}
	return s
}

// Handle mounts a handler under a pattern of http.ServeMux, on loopback only. It
// is to be called before Serve.
func (s *Server) Handle(pattern string, h http.Handler) { s.local.Handle(pattern, h) }

// HandlePublic mounts a handler for everybody who reaches the listener; it guards
// itself. It is to be called before Serve.
func (s *Server) HandlePublic(pattern string, h http.Handler) { s.public.Handle(pattern, h) }

// Loopback says whether only this machine reaches the listener.
func (s *Server) Loopback() bool { return s.loopback }

// Addr is where the server listens.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Serve answers until Close, and returns nil then.
func (s *Server) Serve() error {
	if err := s.http.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving HTTP on %s: %w", s.listener.Addr(), err)
	}
	return nil
}

// Close lets answers under way be finished for a moment and closes everything.
func (s *Server) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if s.http.Shutdown(ctx) != nil {
		s.http.Close()
	}
}

func (s *Server) profiles() {
	for path, h := range map[string]http.HandlerFunc{
		"/debug/pprof/": pprof.Index, "/debug/pprof/cmdline": pprof.Cmdline, "/debug/pprof/profile": pprof.Profile,
		"/debug/pprof/symbol": pprof.Symbol, "/debug/pprof/trace": pprof.Trace,
	} {
		s.Handle(path, h)
	}
}
