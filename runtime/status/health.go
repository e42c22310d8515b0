package status

import (
	"encoding/json"
	"net/http"
	"time"
)

// timed gives up a reader that takes too long.
func timed(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// A server that can't is none of net/http's.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(answerTime))
		h.ServeHTTP(w, r)
	})
}

// live answers 200, or 503 with the reason.
func live(check func() error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		answer := struct {
			Live   bool   `json:"live"`
			Reason string `json:"reason,omitempty"`
		}{Live: true}
		if err := check(); err != nil {
			answer.Live, answer.Reason = false, err.Error()
		}
		reply(w, answer.Live, answer)
	})
}

// ready answers 200, or 503 with all reasons.
func ready(check func() Readiness) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		r := check()
		reply(w, r.Ready, r)
	})
}

func reply(w http.ResponseWriter, good bool, body any) {
	w.Header().Set("Content-Type", "application/json")
	if !good {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(body) // a client that went away
}
