package actors

import "sync"

// lifeline ties a connection to the incarnation that has dialled for it: one that is made
// too late is closed.
type lifeline struct {
	mu   sync.Mutex
	over bool
	made Session
}

// adopt takes a new connection over, or closes it if the incarnation is gone.
func (l *lifeline) adopt(made Session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		made.Close()
		return
	}
	l.made = made
}

// close closes the connection.
func (l *lifeline) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
	if l.made != nil {
		l.made.Close()
	}
}
