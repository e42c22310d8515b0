package status

import (
	"io"
	"net/http"
	"time"
)

// bodyTime is how long the body of a request may take to come. Heads have as long.
const bodyTime = 5 * time.Second

// punctual refuses bodies where no handler reads one, and has a read of a body that has
// not come within bodyTime fail. So no handler waits for a client that sends no more, and
// each that streams sees its client go: net/http looks for that only behind the body.
func punctual(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body == nil || r.Body == http.NoBody {
			h.ServeHTTP(w, r)
			return
		}
		connection := http.NewResponseController(w)
		// A server that can't is none of net/http's.
		_ = connection.SetReadDeadline(time.Now().Add(bodyTime))
		if r.Method != http.MethodPost {
			w.Header().Set("Connection", "close") // so that the body is not waited for
			http.Error(w, "a "+r.Method+" takes no body here", http.StatusBadRequest)
			return
		}
		r.Body = &body{r.Body, connection}
		h.ServeHTTP(w, r)
	})
}

// body lifts the deadline when all of it has come: an answer may take longer.
type body struct {
	io.ReadCloser
	connection *http.ResponseController
}

func (b *body) Read(into []byte) (int, error) {
	n, err := b.ReadCloser.Read(into)
	if err == io.EOF {
		_ = b.connection.SetReadDeadline(time.Time{})
	}
	return n, err
}
