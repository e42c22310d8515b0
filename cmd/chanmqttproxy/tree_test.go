package main_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
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
	wants(t, treeOf(t, said), 0, []string{
		"3 sessions, 2 workers; 1 here: 1; filters are moving",
		"session 0: held by left:1 for another 1.2s, epoch 4\n",
		"session 1: held by right:2 for another 1.1s, epoch 7, this worker; 40 filters, 31 granted, 2 refused, 5 moving; 3 changes behind\n",
		"session 2: held by no worker\n",
	}, nil)
}

// TestTreeOfParts: each part is called by what it does, as on the page, and what the parts
// of several sessions share stands once.
func TestTreeOfParts(t *testing.T) {
	t.Parallel()
	const said = `{"Actors": [
		{"Path": "bridge", "Kind": "bridge", "State": "running", "Handled": 7},
		{"Path": "bridge/router", "Kind": "router", "State": "running", "Waiting": 2},
		{"Path": "bridge:1", "Kind": "bridge", "State": "running"},
		{"Path": "bridge:1/router", "Kind": "router", "State": "running"}],
		"Kinds": [{"Kind": "subscription", "Actors": 40, "Troubled": 1, "Rows": 38}, {"Kind": "group", "Actors": 1}, {"Kind": "stream"}]}`
	wants(t, treeOf(t, said), 0, []string{strings.Join([]string{
		"PART                                                 STATE                        WAITING  HANDLED  RESTARTS  LAST FAILURE",
		"Worker: starts and stops the other parts             running                      0        7        0         ",
		"  Router: knows who gets which topics                running                      2        0        0         ",
		"    subscriptions ×40                                1 in trouble, 38 table rows  0        0        0         ",
		"    writer to a group ×1                             well                         0        0        0         ",
		"Worker, session 1: starts and stops the other parts  running                      0        0        0         ",
		"  Router: knows who gets which topics                running                      0        0        0         \n",
	}, "\n")}, nil)

	page, err := os.ReadFile("../../runtime/devpage/assets/names.js")
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`(?m)^  (\w+): \['([^']+)', '([^']+)'\],$`).FindAllStringSubmatch(string(page), -1)
	if len(names) != 8 {
		t.Errorf("the page names %d parts", len(names))
	}
	for _, m := range names {
		tree := treeOf(t, fmt.Sprintf(`{"Actors": [{"Kind": %q}]}`, m[1]))
		wants(t, tree, 0, []string{m[2] + ": " + m[3]}, nil)
	}
}

// treeOf is the command with a worker that says something.
func treeOf(t *testing.T, said string) result {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "event: tree\ndata: %s\n\n", strings.Join(strings.Fields(said), " "))
	}))
	defer server.Close()
	return execute(t, []string{"HTTP_LISTEN=" + server.Listener.Addr().String()}, "tree")
}
