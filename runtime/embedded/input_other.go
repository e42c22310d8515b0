//go:build !unix

package embedded

import "net"

// input reads a connection, and tells when it waits. Here nobody sees what is in the
// socket: a subscription and what is published just behind it may pass each other.
type input struct {
	net.Conn
	waiting func(bool)
}

func newInput(conn net.Conn, waiting func(bool)) *input { return &input{conn, waiting} }

// Read implements io.Reader.
func (in *input) Read(into []byte) (int, error) {
	in.waiting(true)
	n, err := in.Conn.Read(into)
	in.waiting(false)
	return n, err
}

func (in *input) arrived() bool { return false }
