package devpage

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// answer is what a question gets: JSON, or an error with a status.
type answer func(*http.Request) (any, *problem)

// problem is why there is no answer.
type problem struct {
	status int
	text   string
}

// answering makes a handler that writes the answer, within a time.
func (p *Page) answering(answer answer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case p.room <- struct{}{}:
			defer func() { <-p.room }()
		default:
			refuse(w, http.StatusServiceUnavailable, "too many requests at a time: try again")
			return
		}
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(20 * time.Second))
		ctx, cancel := context.WithTimeout(r.Context(), 10*time.Second)
		defer cancel()
		body, wrong := answer(r.WithContext(ctx))
		if wrong != nil {
			refuse(w, wrong.status, wrong.text)
			return
		}
		reply(w, http.StatusOK, body)
	})
}

func refuse(w http.ResponseWriter, status int, text string) {
	reply(w, status, struct{ Error string }{text})
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a viewer that went away
}
