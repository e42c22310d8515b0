package main_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestTreeOfSessions: who holds each session, and how far it has come.
func TestTreeOfSessions(t *testing.T) {
	t.Parallel()
	const said = `{"Slots": {"Workers": 2, "Sessions": 3, "Before": 2, "Held": [1], "All": [
		{"Number": 0, "Holder": "a", "Name": "left:1", "Epoch": 4, "Left": 1200000000},
		{"Number": 1, "Holder": "b", "Name": "right:2", "Epoch": 7, "Left": 1100000000,
			"Progress": {"Own": 40, "Granted": 31, "Refused": 2, "Moving": 5, "Change": 90, "Lag": 3}},
		{"Number": 2}]}, "Actors": []}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "event: tree\ndata: %s\n\n", strings.ReplaceAll(said, "\n", " "))
	}))
	defer server.Close()
	wants(t, execute(t, []string{"HTTP_LISTEN=" + server.Listener.Addr().String()}, "tree"), 0, []string{
		"3 sessions, 2 workers; 1 here: 1; filters are moving",
		"session 0: held by left:1 for another 1.2s, epoch 4\n",
		"session 1: held by right:2 for another 1.1s, epoch 7, this worker; 40 filters, 31 granted, 2 refused, 5 moving; 3 changes behind\n",
		"session 2: held by no worker\n",
	}, nil)
}
