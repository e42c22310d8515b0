package actors

import "sync"

// incarnationConn closes a connection with the incarnation that has dialled for it. One that is made
// too late is closed at once.
type incarnationConn struct {
	mu   sync.Mutex
	over bool
	made Conn
}

// own takes a new connection, or closes it if the incarnation has ended.
func (l *incarnationConn) own(made Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		made.Close()
		return
	}
	l.made = made
}

// close closes the connection.
func (l *incarnationConn) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
	if l.made != nil {
		l.made.Close()
	}
}
